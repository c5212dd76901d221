#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "dry_run.hpp"
#include "failure.hpp"
#include "freed_memory.hpp"
#include "handle.hpp"
#include "option_flags.hpp"
#include "output_folder.hpp"
#include "resumption.hpp"
#include "subcommands.hpp"
#include "summary.hpp"
#include "watch.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

struct Settings {
  OptionFlags flags;
  bool overwrite = false;
  bool json = false;
};

/// The folder that is asked for, before it is known whether it is free.
std::filesystem::path wanted_folder(const OptionsHandle& options) {
  std::filesystem::path out = option_value(options, "out");
  // "runs/x/" and "runs/x" are one folder; the former would be numbered inside.
  if (!out.empty()) return out.has_filename() ? out : out.parent_path();
  std::string name = option_value(options, "model") + "-" + option_value(options, "dataset");
  std::replace(name.begin(), name.end(), ':', '-');  // of what plugins offer
  return std::filesystem::path("runs") / name;
}

DatasetHandle open_split(const OptionsHandle& options, const char* split) {
  DatasetHandle dataset;
  call(dmoe_dataset_open, static_cast<const dmoe_options*>(options.get()), split, dataset.out());
  return dataset;
}

/// A whole run, shown on the standard error stream, with its summary on the standard output.
int fit(const Settings& settings, const OptionsHandle& options, const TrainerHandle& trainer,
        const DatasetHandle& training, const DatasetHandle& validation) {
  const bool shown = leads(options);
  Watch watch(option_integer(options, "print_every"), shown);
  StringHandle summary;
  const bool complete = watch.follow([&] {
    call(dmoe_trainer_fit, trainer.get(), static_cast<const dmoe_dataset*>(training.get()),
         static_cast<const dmoe_dataset*>(validation.get()), &Watch::receive, static_cast<void*>(&watch),
         summary.out());
  });
  if (!shown) return complete ? succeeded : interrupted;
  const bool dry = option_value(options, "dry_run") == "true";
  if (!complete && dry) return stopped("; nothing of the dry run was kept");
  if (!complete) {
    const std::string folder = option_value(options, "out");
    return stopped(" in epoch " + std::to_string(watch.progress.epoch()) + " after step " +
                   std::to_string(watch.progress.step()) + "; the weights so far are in " + folder +
                   "/last.safetensors, and 'deepmoe train --resume " + folder + "' goes on");
  }
  if (settings.json) {
    std::cout << dmoe_string_data(summary.get()) << "\n";
  } else {
    const auto result = nlohmann::ordered_json::parse(dmoe_string_data(summary.get()));
    std::cout << (dry ? dry_run_text(result) : summary_text(result) + "\n" + outcome_line(result) + "\n");
  }
  const bool reported = option_value(options, "report") == "true" && !dry;
  if (reported && !settings.json)
    std::cout << "report: " << option_value(options, "out") << "/report/report.html\n";
  return succeeded;
}

int start(const Settings& settings) {
  const OptionsHandle options = settings.flags.configured();
  complete_from_weights(options, settings.flags);
  const std::filesystem::path wanted = wanted_folder(options);
  const bool exact = settings.overwrite || settings.flags.given("out"), writes = leads(options);
  if (writes && exact && !settings.overwrite && holds_run(wanted)) {
    throw UsageError(
        "--out '" + wanted.string() +
        "' already holds a run; go on with it by --resume, choose another folder, or replace that "
        "run with --overwrite");
  }
  check_architecture(options);

  const DatasetHandle training = open_split(options, "train");
  const DatasetHandle validation = open_split(options, "val");
  ModelHandle model;
  call(dmoe_model_create, static_cast<const dmoe_options*>(options.get()),
       static_cast<const dmoe_dataset*>(training.get()), model.out());
  std::optional<OutputFolder> folder;
  if (writes) folder.emplace(wanted, exact);
  set_option(options, "out", writes ? folder->path() : "");
  TrainerHandle trainer;
  call(dmoe_trainer_create, model.get(), static_cast<const dmoe_options*>(options.get()), trainer.out());
  if (writes && settings.overwrite && option_value(options, "dry_run") != "true") remove_run(folder->path());
  return fit(settings, options, trainer, training, validation);
}

int go_on(Settings& settings, const std::string& path) {
  if (settings.overwrite) throw UsageError("--resume goes on with a run, --overwrite removes it; choose one");
  const Resumption run = find_resumption(path);
  const OptionsHandle options = resumed_options(run, settings.flags);
  check_architecture(options);
  const DatasetHandle training = open_split(options, "train");
  const DatasetHandle validation = open_split(options, "val");
  const ModelHandle model = resumed_model(run, options, training);
  const TrainerHandle trainer = resumed_trainer(model, options);
  return fit(settings, options, trainer, training, validation);
}

int train(Settings& settings) {
  keep_freed_memory();
  const std::string resume = take_resume(settings.flags);
  return resume.empty() ? start(settings) : go_on(settings, resume);
}

}  // namespace

void add_train(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("train", "Train a network and save it");
  settings->flags.add_config_to(app);
  app.add_flag("--overwrite", settings->overwrite, "Replace the run that --out already holds");
  app.add_flag("--json", settings->json, "Print the summary as JSON");
  settings->flags.add_to(app, all_options());
  app.footer(
      "Ctrl-C ends after the step under way and saves everything; a second Ctrl-C ends at once.\n"
      "--resume RUN goes on with the run in the folder RUN, in the middle of an epoch, too, however it "
      "ended.\n"
      "Options without effect in this version are listed by 'deepmoe options'.\n\n" +
      std::string(exit_statuses) +
      "\nWhat was saved before a failure stays: a file that cannot be written, say on a full disk, is named "
      "and\n"
      "keeps what it held.");
  app.callback([settings, &action] { action = [settings] { return train(*settings); }; });
}

}  // namespace deepmoe::command
