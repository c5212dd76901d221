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
  std::string file;
  bool gates = false;
  std::int64_t fixed_size = 0;
};

int export_network(Settings& settings) {
  const std::string weights = take_weights(settings.flags);
  if (settings.file.empty()) throw UsageError("--onnx is missing; it names the file to write");
  const OptionsHandle options = load_options(settings.flags);
  set_option(options, "device", "cpu");
  ModelHandle model;
  call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(options.get()), model.out());
  const std::string wishes =
      nlohmann::json{{"gates", settings.gates}, {"image_size", settings.fixed_size}}.dump();
  call(dmoe_model_export_onnx, static_cast<const dmoe_model*>(model.get()), settings.file.c_str(),
       wishes.c_str());
  return succeeded;
}

}  // namespace

void add_export(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("export", "Write a trained network as an ONNX model");
  app.add_option("--onnx", settings->file, "The file to write; it is replaced when it is there")
      ->type_name("FILE");
  app.add_flag("--gates", settings->gates,
               "Also give embedding, embedding_logits and gate.<layer>, as predict does");
  app.add_option("--fixed_size", settings->fixed_size,
                 "Side of the images, for a model that takes no other [open where the network allows it]")
      ->type_name("INTEGER")
      ->check(CLI::PositiveNumber);
  settings->flags.add_to(app, {{"model"}, {"num_classes", "image_size", "plugin"}});
  app.footer(
      "The model takes normalised images, as predict --tensors does; its metadata say how to normalise. "
      "Gates are computed\n"
      "in it from each image. A weights file without a description of its network needs --model and, where "
      "they differ from\n"
      "the defaults, the other options of the model.");
  app.callback([settings, &action] { action = [settings] { return export_network(*settings); }; });
}

}  // namespace deepmoe::command
