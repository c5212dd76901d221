#include "resumption.hpp"

#include <cstdlib>
#include <system_error>

namespace deepmoe::command {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The network is that of the run; the library compares the other options.
void refuse_another_network(const Resumption& run, const OptionsHandle& options) {
  OptionsHandle stored;
  call(dmoe_options_create, stored.out());
  call(dmoe_options_load_file, stored.get(), (run.folder / "config.json").c_str());
  for (const nlohmann::ordered_json& row : option_rows()) {
    const std::string name = row.at("name");
    if (row.at("group") != "model" && name != "num_classes") continue;
    const std::string value = option_value(options, name.c_str()), then = option_value(stored, name.c_str());
    if (value == then) continue;
    throw UsageError("--" + name + " is " + value + ", but the run in '" + run.folder.string() +
                     "' goes by " + (then.empty() ? "none" : then) +
                     "; leave the option out to go on with it");
  }
}

}  // namespace

std::string take_resume(OptionFlags& flags) {
  std::string resume = flags.take("resume");
  if (resume.empty()) {
    const char* const variable = std::getenv("DEEPMOE_RESUME");
    if (variable != nullptr) resume = variable;
  }
  return resume;
}

Resumption find_resumption(const std::string& path) {
  Resumption run{path, path};
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    // "runs/x/" and "runs/x" are one folder.
    if (!run.folder.has_filename()) run.folder = run.folder.parent_path();
    run.checkpoint = run.folder / "checkpoints" / "last.safetensors";
  } else {
    // RUN/checkpoints/epoch-0012.safetensors
    run.folder = fs::path(path).parent_path().parent_path();
    if (run.folder.empty()) run.folder = ".";
  }
  for (const fs::path& file : {run.folder / "config.json", run.checkpoint}) {
    if (is_there(file)) continue;
    throw UsageError("--resume '" + path + "' names no run that could go on: there is no '" + file.string() +
                     "'");
  }
  return run;
}

OptionsHandle resumed_options(const Resumption& run, OptionFlags& flags) {
  if (!flags.config_file().empty()) {
    throw UsageError("--resume goes on by the run's own config.json; leave out --config");
  }
  if (flags.given("out")) {
    throw UsageError("--resume goes on in the run's own folder; leave out --out (and DEEPMOE_OUT)");
  }
  flags.give_config_file((run.folder / "config.json").string());
  OptionsHandle options = flags.configured();
  refuse_another_network(run, options);
  set_option(options, "out", run.folder.string());
  set_option(options, "resume", run.checkpoint.string());
  return options;
}

ModelHandle resumed_model(const Resumption& run, const OptionsHandle& options,
                          const DatasetHandle& training) {
  OptionsHandle wishes;
  call(dmoe_options_copy, static_cast<const dmoe_options*>(options.get()), wishes.out());
  set_option(wishes, "weights", run.checkpoint.string());
  ModelHandle model;
  call(dmoe_model_create, static_cast<const dmoe_options*>(wishes.get()),
       static_cast<const dmoe_dataset*>(training.get()), model.out());
  return model;
}

TrainerHandle resumed_trainer(const ModelHandle& model, const OptionsHandle& options) {
  TrainerHandle trainer;
  try {
    call(dmoe_trainer_create, model.get(), static_cast<const dmoe_options*>(options.get()), trainer.out());
  } catch (const LibraryError& error) {
    if (error.status() == DMOE_ERROR_INVALID_ARGUMENT) throw UsageError(error.what());
    throw;
  }
  return trainer;
}

}  // namespace deepmoe::command
