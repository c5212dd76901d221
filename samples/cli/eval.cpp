#include <iostream>
#include <memory>
#include <string>

#include "evaluation_data.hpp"
#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "summary.hpp"
#include "watch.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

struct Settings {
  OptionFlags flags;
  std::string split = "test";
  bool json = false;
};

int evaluate(Settings& settings) {
  const std::string weights = take_weights(settings.flags);
  const OptionsHandle given = load_options(settings.flags);
  ModelHandle model;
  call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(given.get()), model.out());
  // The file remembers the seed, on which the synthetic images depend, and the parts of the loss.
  const OptionsHandle options = options_of(model);
  const DatasetHandle dataset = open_evaluation_data(options, settings.flags, settings.split);

  Watch watch(1);
  nlohmann::ordered_json result;
  const bool complete = watch.follow([&] {
    result = json_from(dmoe_model_evaluate, model.get(), static_cast<const dmoe_dataset*>(dataset.get()),
                       static_cast<const dmoe_options*>(options.get()), &Watch::receive,
                       static_cast<void*>(&watch));
  });
  if (!complete) {
    std::cerr << "deepmoe: interrupted\n";
    return interrupted;
  }
  const nlohmann::ordered_json data =
      json_from(dmoe_dataset_describe, static_cast<const dmoe_dataset*>(dataset.get()));
  if (settings.json) {
    nlohmann::ordered_json output = {
        {"weights", weights}, {"dataset", option_value(options, "dataset")}, {"split", settings.split}};
    output.update(result);
    std::cout << output.dump(2) << "\n";
  } else {
    std::cout << weights << " on " << data.at("description").get<std::string>() << "\n"
              << summary_text(result);
  }
  return succeeded;
}

}  // namespace

void add_eval(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("eval", "Evaluate a trained network on a data set");
  app.add_option("--split", settings->split, "Half of the data set: test or train [test]")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"test", "train"}));
  app.add_flag("--json", settings->json, "Print the result as JSON");
  settings->flags.add_to(app, {{"general", "data", "model"}, {"batch_size", "channels_last", "amp"}});
  app.footer(
      "The network is what the weights file says; a file without that needs --model and, where they differ "
      "from\n"
      "the defaults, the other options of the model.");
  app.callback([settings, &action] { action = [settings] { return evaluate(*settings); }; });
}

}  // namespace deepmoe::command
