#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "analysis_text.hpp"
#include "evaluation_data.hpp"
#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "watch.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

struct Settings {
  OptionFlags flags;
  std::string split = "test";
  std::string out, compare, thresholds;
  double threshold = 0;
  bool text = false;
};

/// The flags that settings_json of dmoe_report_create has, too.
ordered_json report_wishes(const Settings& settings) {
  ordered_json json = {
      {"threshold", settings.threshold}, {"thresholds", ordered_json::array()}, {"split", settings.split}};
  std::istringstream words(settings.thresholds);
  for (std::string word; std::getline(words, word, ',');) {
    std::istringstream number(word);
    double value = 0;
    if (!(number >> value) || !number.eof() || value < 0) {
      throw UsageError("--thresholds '" + settings.thresholds +
                       "' must be numbers from 0 on, such as 0.1,0.2");
    }
    json["thresholds"].push_back(value);
  }
  return json;
}

/// A report of one weights file; empty when a signal ended it.
ReportHandle report_of(const Settings& settings, const OptionsHandle& given, const std::string& weights,
                       ordered_json wishes) {
  ModelHandle model;
  call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(given.get()), model.out());
  const OptionsHandle options = options_of(model);
  const DatasetHandle dataset = open_evaluation_data(options, settings.flags, settings.split);
  wishes["weights"] = weights;
  for (const char* name : {"batch_size", "num_workers"}) wishes[name] = option_integer(options, name);
  const std::string text = wishes.dump();
  Watch watch(1);
  ReportHandle report;
  watch.follow([&] {
    call(dmoe_report_create_from_model, static_cast<const dmoe_model*>(model.get()),
         static_cast<const dmoe_dataset*>(dataset.get()), text.c_str(), &Watch::receive,
         static_cast<void*>(&watch), report.out());
  });
  return report;
}

int analyze(Settings& settings) {
  const std::string weights = take_weights(settings.flags);
  if (settings.out.empty() && !settings.text) {
    throw UsageError("--out is missing; it names the folder to write to (or give --text alone)");
  }
  ordered_json wishes = report_wishes(settings);
  const OptionsHandle given = load_options(settings.flags);
  // The engine that runs the images is on the CPU, and so there is no use in taking the weights elsewhere.
  if (option_value(given, "device") == "auto") set_option(given, "device", "cpu");
  ReportHandle report = report_of(settings, given, weights, wishes);
  if (report.get() == nullptr) return stopped("; nothing was written");
  if (!settings.compare.empty()) {
    wishes.erase("thresholds");  // Nobody asks for them of the earlier state.
    const ReportHandle reference = report_of(settings, given, settings.compare, wishes);
    if (reference.get() == nullptr) return stopped("; nothing was written");
    ReportHandle compared;
    call(dmoe_report_compare, static_cast<const dmoe_report*>(report.get()),
         static_cast<const dmoe_report*>(reference.get()), compared.out());
    report = std::move(compared);
  }
  const auto* const made = static_cast<const dmoe_report*>(report.get());
  if (!settings.out.empty()) call(dmoe_report_write, made, settings.out.c_str());
  std::cout << analysis_text(json_from(dmoe_report_json, made));
  if (!settings.out.empty()) {
    std::cout << "\nreport.html, report.json and tables as CSV are in " << settings.out << "\n";
  }
  return succeeded;
}

}  // namespace

void add_analyze(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("analyze", "See what the experts of a network do on a data set");
  app.add_option("--out", settings->out, "The folder for report.html, report.json and tables as CSV")
      ->type_name("FOLDER");
  app.add_flag("--text", settings->text, "Print the summary only; no folder is needed");
  app.add_option("--compare", settings->compare,
                 "Weights of an earlier state of the network; the report says what changed since")
      ->type_name("FILE");
  app.add_option("--split", settings->split, "Half of the data set: test, train or val (what --validation_share holds out) [test]")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"test", "train", "val"}));
  app.add_option("--threshold", settings->threshold, "Experts whose gate is above it count as active [0]")
      ->type_name("NUMBER");
  app.add_option("--thresholds", settings->thresholds,
                 "Run again with gates up to each of these as 0, e.g. 0.1,0.2 [none]")
      ->type_name("LIST");
  settings->flags.add_to(app, {{"general", "data", "model"}, {"batch_size", "plugin"}});
  app.footer("The images go once through the engine, on the CPU.");
  app.callback([settings, &action] { action = [settings] { return analyze(*settings); }; });
}

}  // namespace deepmoe::command
