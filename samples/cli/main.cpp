/// The deepmoe command. It uses the library through its C headers only: what it can do, every host can.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "failure.hpp"
#include "handle.hpp"
#include "subcommands.hpp"

namespace deepmoe::command {
namespace {

constexpr const char* description =
    "DeepMoE networks: every channel of a convolution is an expert, and for each image most of them are "
    "switched off.";

constexpr const char* footer = R"(Examples:
  deepmoe train --model resnet18_moe --width 0.25 --epochs 3
  deepmoe train --dataset folder --data_dir pictures --epochs 20 --out runs/pictures
  deepmoe fetch cifar10 && deepmoe train --dataset cifar10 --epochs 20
  deepmoe train --config runs/pictures/config.json --lr 0.05
  deepmoe train --resume runs/pictures
  deepmoe eval --weights runs/pictures/best.safetensors --dataset folder --data_dir pictures
  deepmoe predict --weights runs/pictures/best.safetensors cat.jpg dog.png
  deepmoe analyze --weights runs/pictures/best.safetensors --dataset folder --data_dir pictures --out report
  deepmoe compact --weights best.safetensors --dataset cifar10 --data_dir cifar --out small.safetensors
  deepmoe bench infer --model resnet18_moe --density 0.5
  deepmoe info resnet50_moe_a
  deepmoe options --recipe paper

Every option can also stand in the environment (DEEPMOE_LR=0.1) or in a configuration file.

)";

/// A message on one line, whatever it holds.
void complain(const char* kind, std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  // A progress line may be standing there.
  const char* const clear_line = isatty(STDERR_FILENO) != 0 ? "\r\x1b[K" : "";
  std::cerr << clear_line + std::string("deepmoe: ") + kind + ": " + message + "\n" << std::flush;
}

int32_t print_log_message(int32_t level, const char* message, void*) {
  if (level == DMOE_LOG_ERROR) complain("error", message);
  if (level == DMOE_LOG_WARNING) complain("warning", message);
  if (level == DMOE_LOG_INFO) complain("note", message);
  return 0;
}

int run(const std::vector<std::string>& words) {
  call(dmoe_set_log_callback, &print_log_message, static_cast<void*>(nullptr));
  Action action;
  CLI::App root(description, "deepmoe");
  root.footer(footer + std::string(exit_statuses));
  root.set_help_flag("--help,-h", "Show this help");
  root.set_version_flag("--version", std::string("deepmoe ") + dmoe_version(), "Show the version");
  root.require_subcommand(1);
  root.get_formatter()->column_width(34);
  root.get_formatter()->label("SUBCOMMAND", "COMMAND [...]");
  for (auto add : {add_train, add_eval, add_predict, add_analyze, add_compact, add_export, add_convert,
                   add_fetch, add_info, add_options, add_plugins, add_doctor, add_bench}) {
    add(root, action);
  }

  try {
    std::vector<std::string> arguments = normalised_arguments(root, words);
    if (arguments.empty()) arguments.push_back("--help");
    std::reverse(arguments.begin(), arguments.end());
    root.parse(arguments);
  } catch (const CLI::Success& wish) {
    return root.exit(wish);
  } catch (const CLI::ExtrasError& error) {
    throw UsageError("unexpected argument '" + root.remaining(true).front() + "'");
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  return action();
}

}  // namespace
}  // namespace deepmoe::command

int main(int argc, char** argv) {
  using namespace deepmoe::command;
  int status = succeeded;
  // A file that would exceed the limit on its size is an error with its name, as a full disk is, and not a
  // death.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    status = run({argv + 1, argv + argc});
    std::cout.flush();
    if (!std::cout) throw std::runtime_error("can't write to the standard output");
  } catch (const UsageError& error) {
    complain("error", error.what());
    status = wrong_usage;
  } catch (const std::exception& error) {
    complain("error", error.what());
    status = failed;
  }
  return status;
}
