#include <iostream>
#include <memory>
#include <string>

#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

struct Settings {
  OptionFlags flags;
  std::string model;
  bool json = false;
};

void check_model(Settings& settings) {
  if (!settings.model.empty() && settings.flags.given("model") &&
      settings.flags.take("model") != settings.model) {
    throw UsageError("the model is named twice, as '" + settings.model + "' and by --model");
  }
  if (!settings.model.empty()) settings.flags.give("model", settings.model);
}

/// The network of a weights file, which no options may lead to.
int info_of_weights(Settings& settings) {
  const std::string weights = take_weights(settings.flags);
  const OptionsHandle options = load_options(settings.flags);
  ModelHandle model;
  call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(options.get()), model.out());
  const dmoe_model* const described = model.get();
  std::cout << (settings.json ? json_from(dmoe_model_architecture_describe, described).dump(2) + "\n"
                              : text_from(dmoe_model_architecture_text, described));
  return succeeded;
}

int info(Settings& settings) {
  check_model(settings);
  if (settings.flags.given("weights")) return info_of_weights(settings);
  const OptionsHandle options = settings.flags.configured();
  check_architecture(options);
  const dmoe_options* const described = options.get();
  std::cout << (settings.json ? json_from(dmoe_architecture_describe, described).dump(2) + "\n"
                              : text_from(dmoe_architecture_text, described));
  return succeeded;
}

}  // namespace

void add_info(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("info", "Show the layers, parameters and cost of a network");
  app.add_option("MODEL", settings->model, "Name of a network, e.g. resnet50_moe_a; or give --weights")
      ->type_name("");
  app.add_flag("--json", settings->json, "Print the network as JSON");
  settings->flags.add_config_to(app);
  settings->flags.add_to(app, {{"model"}, {"recipe", "num_classes", "image_size", "plugin"}});
  app.footer("Without --image_size and --num_classes, costs are those of 224 pixels and 1000 classes.");
  app.callback([settings, &action] { action = [settings] { return info(*settings); }; });
}

}  // namespace deepmoe::command
