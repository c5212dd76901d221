#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "evaluation_data.hpp"
#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"
#include "watch.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

struct Settings {
  OptionFlags flags;
  std::string split = "test";
  std::string classes, min_utilisation, out;
  bool json = false;
};

/// The flags as settings_json of dmoe_model_compact.
ordered_json compaction_settings(const Settings& settings) {
  ordered_json json = {{"classes", ordered_json::array()}};
  std::istringstream words(settings.classes);
  for (std::string word; std::getline(words, word, ',');) {
    if (word.empty()) throw UsageError("--classes '" + settings.classes + "' names a class without a name");
    const bool number = word.size() < 10 && word.find_first_not_of("0123456789") == std::string::npos;
    if (number) {
      json["classes"].push_back(std::stoll(word));
    } else {
      json["classes"].push_back(word);
    }
  }
  if (!settings.min_utilisation.empty()) {
    char* end = nullptr;
    const double share = std::strtod(settings.min_utilisation.c_str(), &end);
    if (*end != '\0' || !(share >= 0 && share <= 1)) {
      throw UsageError("--min_utilisation is '" + settings.min_utilisation +
                       "'; it must be a number from 0 to 1");
    }
    json["min_utilisation"] = share;
  }
  return json;
}

/// Refuses a place for the result before any work is done.
void check_out(const std::string& out, const std::string& weights) {
  namespace fs = std::filesystem;
  if (out.empty()) throw UsageError("--out is missing; it names the safetensors file to write");
  std::error_code ignored;
  if (fs::equivalent(out, weights, ignored)) {
    throw UsageError("--out '" + out + "' is the weights file itself; name another file");
  }
  const fs::path folder = fs::path(out).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    throw UsageError("--out '" + out + "': there is no folder '" + folder.string() + "'");
  }
}

std::string count_text(const ordered_json& number) { return grouped(number.get<std::int64_t>()); }

std::string layer_table(const ordered_json& report) {
  using enum Table::Align;
  Table table({"layer", "experts", "inactive", "kept", ""}, {left, right, right, right, left});
  for (const ordered_json& layer : report.at("layers")) {
    std::string remark = layer.at("reason");
    if (!remark.empty()) remark = "inactive stay: " + remark;
    if (layer.at("silent")) remark = "one of them silent" + (remark.empty() ? "" : "; " + remark);
    table.add({layer.at("name"), layer.at("experts").dump(), layer.at("inactive").dump(),
               layer.at("kept").dump(), remark});
  }
  return table.text("  ");
}

std::string comparison(const ordered_json& report) {
  using enum Table::Align;
  Table table({"", "before", "after", ""}, {left, right, right, right});
  const ordered_json &before = report.at("before"), &after = report.at("after");
  const auto add = [&](const char* label, const char* key, auto format) {
    const double from = before.at(key), to = after.at(key);
    table.add({label, format(before.at(key)), format(after.at(key)),
               from > 0 ? percent(to / from, 1) : std::string()});
  };
  const auto size = [](const ordered_json& number) { return magnitude(number.get<double>()); };
  add("experts", "experts", count_text);
  add("parameters", "parameters", count_text);
  add("dense MACs", "dense_macs", size);
  add("active MACs", "active_macs", size);
  for (const auto& [label, key] : {std::pair("accuracy", "accuracy"), {"top-5 accuracy", "top5_accuracy"}}) {
    table.add({label, percent(before.at(key)), percent(after.at(key))});
  }
  return table.text("  ");
}

std::string removal_text(const ordered_json& report) {
  const double least = report.at("min_utilisation");
  std::string text = "Inactive are experts that none of " + count_text(report.at("samples")) + " images uses";
  if (least > 0) text += ", or fewer than " + option_text(least) + " of them";
  return text + ".\n";
}

int compact(Settings& settings) {
  const std::string weights = take_weights(settings.flags);
  const ordered_json wishes = compaction_settings(settings);
  check_out(settings.out, weights);
  const OptionsHandle given = load_options(settings.flags);
  ModelHandle model;
  call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(given.get()), model.out());
  const OptionsHandle options = options_of(model);
  const DatasetHandle dataset = open_evaluation_data(options, settings.flags, settings.split);

  Watch watch(1);
  ModelHandle smaller;
  ordered_json report;
  const bool complete = watch.follow([&] {
    report = json_from(dmoe_model_compact, model.get(), static_cast<const dmoe_dataset*>(dataset.get()),
                       wishes.dump().c_str(), static_cast<const dmoe_options*>(options.get()),
                       &Watch::receive, static_cast<void*>(&watch), smaller.out());
  });
  if (!complete) return stopped("; nothing was written");
  call(dmoe_model_save, static_cast<const dmoe_model*>(smaller.get()), settings.out.c_str());

  if (settings.json) {
    ordered_json output = {{"weights", weights},
                           {"out", settings.out},
                           {"dataset", option_value(options, "dataset")},
                           {"split", settings.split}};
    output.update(report);
    std::cout << output.dump(2) << "\n";
  } else {
    const ordered_json data =
        json_from(dmoe_dataset_describe, static_cast<const dmoe_dataset*>(dataset.get()));
    std::cout << weights << " on " << data.at("description").get<std::string>()
              << (settings.classes.empty() ? "" : ", classes " + settings.classes) << "\n"
              << removal_text(report) << "\n"
              << layer_table(report) << "\n"
              << comparison(report) << "\nwritten to " << settings.out << "\n";
  }
  return succeeded;
}

}  // namespace

void add_compact(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("compact", "Remove the experts of a network that no image uses");
  app.add_option("--out", settings->out, "The safetensors file to write, replacing an older one")
      ->type_name("FILE");
  app.add_option("--classes", settings->classes,
                 "Count images of these classes only: numbers or names, e.g. 3,5 [all]")
      ->type_name("LIST");
  app.add_option(
         "--min_utilisation", settings->min_utilisation,
         "Remove experts, too, that fewer than this share of the images use; this changes results [0]")
      ->type_name("NUMBER");
  app.add_option("--split", settings->split, "Half of the data set whose images count: test, train or val (what --validation_share holds out) [test]")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"test", "train", "val"}));
  app.add_flag("--json", settings->json, "Print the report as JSON");
  settings->flags.add_to(app, {{"general", "data", "model"}, {"batch_size", "channels_last", "plugin"}});
  app.footer(
      "The images that count are the data set's validation split, unless --split says otherwise. For them "
      "the "
      "smaller\n"
      "network gives the same results as before (with --min_utilisation 0). Its accuracy is that on these "
      "images.");
  app.callback([settings, &action] { action = [settings] { return compact(*settings); }; });
}

}  // namespace deepmoe::command
