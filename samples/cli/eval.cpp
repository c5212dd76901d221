#include <iostream>
#include <memory>
#include <string>

#include "engine.hpp"
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
  bool engine = false;
  std::string precision = "fp32";
};

/// The figures of the model, or of an engine made of it.
nlohmann::ordered_json figures(const ModelHandle& model, const DatasetHandle& dataset,
                               const OptionsHandle& options, const Settings& settings, Watch& watch) {
  const auto of = [&](auto* function, auto* network) {
    return json_from(function, network, static_cast<const dmoe_dataset*>(dataset.get()),
                     static_cast<const dmoe_options*>(options.get()), &Watch::receive,
                     static_cast<void*>(&watch));
  };
  if (!settings.engine) return of(dmoe_model_evaluate, model.get());
  const EngineHandle engine = compile(model, {{"image_size", option_integer(options, "image_size")},
                                              {"threads", option_integer(options, "threads")},
                                              {"precision", settings.precision}});
  return of(dmoe_engine_evaluate, static_cast<const dmoe_engine*>(engine.get()));
}

int evaluate(Settings& settings) {
  const std::string weights = take_weights(settings.flags);
  if (!settings.engine && settings.precision != "fp32") throw UsageError("--precision goes with --engine");
  if (settings.engine && settings.flags.given("amp")) {
    throw UsageError(
        "--amp has no effect with --engine; --precision says what the engine keeps its weights in");
  }
  const OptionsHandle given = load_options(settings.flags);
  // An engine runs on the CPU, and so there is no use in taking its weights elsewhere.
  if (settings.engine && option_value(given, "device") == "auto") set_option(given, "device", "cpu");
  ModelHandle model;
  call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(given.get()), model.out());
  // The file remembers the seed, on which the synthetic images depend, and the parts of the loss.
  const OptionsHandle options = options_of(model);
  const DatasetHandle dataset = open_evaluation_data(options, settings.flags, settings.split);

  Watch watch(1);
  nlohmann::ordered_json result;
  const bool complete = watch.follow([&] { result = figures(model, dataset, options, settings, watch); });
  if (!complete) return stopped();
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
  app.add_option("--split", settings->split, "Half of the data set: test, train or val (what --validation_share holds out) [test]")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"test", "train", "val"}));
  app.add_flag(
      "--engine", settings->engine,
      "Compute by the engine, on the CPU and without work for inactive experts; --threads counts for it");
  app.add_option("--precision", settings->precision,
                 "What the engine keeps its weights in: fp32 or bf16, computing in fp32 [fp32]")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_flag("--json", settings->json, "Print the result as JSON");
  settings->flags.add_to(app,
                         {{"general", "data", "model"}, {"batch_size", "channels_last", "amp", "plugin"}});
  app.footer(
      "The network is what the weights file says; a file without that needs --model and, where they differ "
      "from\n"
      "the defaults, the other options of the model.");
  app.callback([settings, &action] { action = [settings] { return evaluate(*settings); }; });
}

}  // namespace deepmoe::command
