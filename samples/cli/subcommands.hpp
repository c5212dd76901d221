#pragma once

/// The subcommands, one file each. Each function adds its subcommand to the parser; when the command line
/// names it, parsing puts what is to be done into `action`, which returns the exit status.

#include <CLI/CLI.hpp>
#include <functional>

namespace deepmoe::command {

using Action = std::function<int()>;

void add_train(CLI::App& root, Action& action);
void add_eval(CLI::App& root, Action& action);
void add_analyze(CLI::App& root, Action& action);
void add_compact(CLI::App& root, Action& action);
void add_predict(CLI::App& root, Action& action);
void add_export(CLI::App& root, Action& action);
void add_convert(CLI::App& root, Action& action);
void add_fetch(CLI::App& root, Action& action);
void add_info(CLI::App& root, Action& action);
void add_options(CLI::App& root, Action& action);
void add_doctor(CLI::App& root, Action& action);
void add_plugins(CLI::App& root, Action& action);
void add_bench(CLI::App& root, Action& action);
/// `deepmoe bench infer` and `deepmoe bench data`, which add_bench adds.
void add_bench_infer(CLI::App& bench, Action& action);
void add_bench_data(CLI::App& bench, Action& action);

}  // namespace deepmoe::command
