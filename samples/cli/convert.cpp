#include <memory>
#include <string>
#include <vector>

#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

struct Settings {
  OptionFlags flags;
  std::string input, output;
  std::vector<double> mean, deviation;
};

/// Nothing would come of them.
void refuse_flags_without_model(const OptionFlags& flags) {
  for (const auto& row : option_rows()) {
    const std::string name = row.at("name");
    const bool describes = row.at("group") == "model" || name == "num_classes" || name == "image_size";
    if (describes && name != "weights" && flags.given(name)) {
      throw UsageError("--" + name + " describes a network; name the network by --model");
    }
  }
}

int convert(Settings& settings) {
  if (settings.input.empty() || settings.output.empty()) {
    throw UsageError("convert needs two files: the one of torch.save, and the safetensors file to write");
  }
  nlohmann::json wishes = nlohmann::json::object();
  if (!settings.mean.empty()) wishes["mean"] = settings.mean;
  if (!settings.deviation.empty()) wishes["deviation"] = settings.deviation;
  const OptionsHandle options = load_options(settings.flags);
  if (settings.flags.given("model")) {
    check_architecture(options);
  } else {
    refuse_flags_without_model(settings.flags);
  }
  if (!settings.flags.given("model") && !wishes.empty()) {
    throw UsageError("--mean and --deviation are kept with a description of the network; name it by --model");
  }
  const std::string settings_json = wishes.dump();
  call(dmoe_convert_pytorch, settings.input.c_str(), settings.output.c_str(),
       static_cast<const dmoe_options*>(options.get()), settings_json.c_str());
  return succeeded;
}

}  // namespace

void add_convert(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("convert", "Turn weights that PyTorch saved into safetensors");
  app.add_option("INPUT", settings->input, "A file of torch.save(model.state_dict(), ...)")->type_name("");
  app.add_option("OUTPUT", settings->output, "The safetensors file to write")->type_name("");
  app.add_option("--mean", settings->mean, "Mean of the images' channels, from 0 to 1; needs --model [0 0 0]")
      ->type_name("LIST")
      ->delimiter(',')
      ->expected(3);
  app.add_option("--deviation", settings->deviation, "Their deviation; needs --model [1 1 1]")
      ->type_name("LIST")
      ->delimiter(',')
      ->expected(3);
  settings->flags.add_to(app, {{"model"}, {"num_classes", "image_size", "plugin"}});
  app.footer(
      "With --model the tensors are checked against that network and the file describes it, so that eval, "
      "predict and export\n"
      "need no flags for it. Without, the bare tensors are written.");
  app.callback([settings, &action] { action = [settings] { return convert(*settings); }; });
}

}  // namespace deepmoe::command
