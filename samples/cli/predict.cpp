#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine.hpp"
#include "forward.hpp"
#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

struct Settings {
  OptionFlags flags;
  std::string tensors, output;
  std::vector<std::string> images;
  std::size_t top = 5;
  bool json = false;
  bool engine = false;
};

ModelHandle load(const std::string& weights, const OptionsHandle& options) {
  ModelHandle model;
  call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(options.get()), model.out());
  return model;
}

/// Applies the model itself, or an engine made of it at the first call.
class Network {
 public:
  Network(const ModelHandle& model, const Settings& settings, const OptionsHandle& options)
      : model_(model), on_engine_(settings.engine), threads_(option_integer(options, "threads")) {}

  std::vector<NamedTensor> apply(const NamedTensor& images, std::int64_t batch_size) {
    if (!on_engine_) return forward(model_, images, batch_size);
    if (engine_.get() == nullptr) {
      engine_ = compile(model_, {{"image_size", images.shape.at(2)}, {"threads", threads_}});
    }
    return forward(engine_, images, batch_size);
  }

 private:
  const ModelHandle& model_;
  const bool on_engine_;
  const std::int64_t threads_;
  EngineHandle engine_;
};

NamedTensor read_input(const std::string& path) {
  TensorsHandle tensors;
  call(dmoe_tensors_load, path.c_str(), tensors.out());
  try {
    const std::vector<std::int64_t> shape = tensor_shape(tensors, "input");
    const bool images = shape.size() == 4 && shape[1] == 3;
    if (images && shape[0] > 0 && shape[2] > 0 && shape[3] > 0) return read_tensor(tensors, "input");
    std::vector<std::string> sizes;
    for (const std::int64_t size : shape) sizes.push_back(std::to_string(size));
    throw std::runtime_error("tensor 'input' must have a shape (N, 3, H, W) with at least one image, not (" +
                             join(sizes, ", ") + ")");
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

int predict_tensors(const Settings& settings, const std::string& weights, const OptionsHandle& options) {
  const NamedTensor input = read_input(settings.tensors);
  // The stem that `variant auto` means depends on the size of the images.
  if (option_integer(options, "image_size") == 0 && !describes_its_network(weights)) {
    set_option(options, "image_size", std::to_string(input.shape[2]));
  }
  const ModelHandle model = load(weights, options);
  TensorsHandle outputs;
  call(dmoe_tensors_create, outputs.out());
  for (const NamedTensor& tensor :
       Network(model, settings, options).apply(input, option_integer(options, "batch_size"))) {
    call(dmoe_tensors_add_f32, outputs.get(), tensor.name.c_str(), tensor.values.data(), tensor.shape.data(),
         static_cast<std::int64_t>(tensor.shape.size()));
  }
  call(dmoe_tensors_save, static_cast<const dmoe_tensors*>(outputs.get()), settings.output.c_str(),
       static_cast<const char*>(nullptr));
  return succeeded;
}

NamedTensor read_images(const ModelHandle& model, const std::vector<std::string>& paths) {
  NamedTensor images;
  for (const std::string& path : paths) {
    TensorsHandle file;
    call(dmoe_model_read_image, static_cast<const dmoe_model*>(model.get()), path.c_str(), file.out());
    const NamedTensor image = read_tensor(file, "input");
    if (images.shape.empty()) images.shape = {0, image.shape[1], image.shape[2], image.shape[3]};
    ++images.shape[0];
    images.values.insert(images.values.end(), image.values.begin(), image.values.end());
  }
  return images;
}

std::vector<double> softmax(const float* logits, std::size_t classes) {
  std::vector<double> shares(logits, logits + classes);
  const double highest = *std::max_element(shares.begin(), shares.end());
  double sum = 0;
  for (double& share : shares) sum += share = std::exp(share - highest);
  for (double& share : shares) share /= sum;
  return shares;
}

/// The `top` likeliest classes of one image.
ordered_json predictions(const float* logits, std::size_t classes, const ordered_json& names,
                         std::size_t top) {
  const std::vector<double> shares = softmax(logits, classes);
  std::vector<std::size_t> order(classes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return shares[a] > shares[b]; });
  ordered_json list = ordered_json::array();
  for (std::size_t i = 0; i < std::min(top, classes); ++i) {
    const std::size_t label = order[i];
    list.push_back({{"class", label},
                    {"name", label < names.size() ? names[label].get<std::string>() : std::to_string(label)},
                    {"probability", shares[label]}});
  }
  return list;
}

std::string predictions_text(const ordered_json& result) {
  std::string text;
  for (const ordered_json& image : result.at("images")) {
    text += image.at("image").get<std::string>() + "\n";
    Table table({}, {Table::Align::right, Table::Align::left});
    for (const ordered_json& prediction : image.at("predictions")) {
      table.add({percent(prediction.at("probability"), 1), prediction.at("name")});
    }
    text += table.text("  ");
  }
  return text;
}

int predict_images(const Settings& settings, const std::string& weights, const OptionsHandle& options) {
  const ModelHandle model = load(weights, options);
  const ordered_json names =
      json_from(dmoe_model_describe, static_cast<const dmoe_model*>(model.get())).at("class_names");
  Network network(model, settings, options);
  const auto batch_size = static_cast<std::size_t>(option_integer(options, "batch_size"));
  ordered_json result = {{"images", ordered_json::array()}};
  for (std::size_t first = 0; first < settings.images.size(); first += batch_size) {
    const std::size_t count = std::min(batch_size, settings.images.size() - first);
    const auto begin = settings.images.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<std::string> paths(begin, begin + static_cast<std::ptrdiff_t>(count));
    const NamedTensor images = read_images(model, paths);
    for (const NamedTensor& tensor : network.apply(images, static_cast<std::int64_t>(count))) {
      if (tensor.name != "logits") continue;
      const auto classes = static_cast<std::size_t>(tensor.shape.at(1));
      for (std::size_t i = 0; i < count; ++i) {
        result["images"].push_back(
            {{"image", paths[i]},
             {"predictions", predictions(tensor.values.data() + i * classes, classes, names, settings.top)}});
      }
    }
  }
  std::cout << (settings.json ? result.dump(2) + "\n" : predictions_text(result));
  return succeeded;
}

int predict(Settings& settings) {
  const std::string weights = take_weights(settings.flags);
  if (settings.tensors.empty() == settings.images.empty()) {
    throw UsageError("predict needs either image files or --tensors FILE --output FILE");
  }
  if (settings.tensors.empty() != settings.output.empty()) {
    throw UsageError(settings.tensors.empty() ? "--output goes with --tensors" : "--tensors needs --output");
  }
  const OptionsHandle options = load_options(settings.flags);
  // An engine runs on the CPU, and so there is no use in taking its weights elsewhere.
  if (settings.engine && option_value(options, "device") == "auto") set_option(options, "device", "cpu");
  return settings.tensors.empty() ? predict_images(settings, weights, options)
                                  : predict_tensors(settings, weights, options);
}

}  // namespace

void add_predict(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("predict", "Apply a trained network to images or tensors");
  app.add_option("IMAGE", settings->images, "JPEG or PNG files")->type_name("");
  app.add_option("--tensors", settings->tensors,
                 "A safetensors file with tensor 'input': (N, 3, H, W), float32, normalised")
      ->type_name("FILE");
  app.add_option("--output", settings->output,
                 "Where --tensors puts logits, embedding, embedding_logits and gate.<layer>")
      ->type_name("FILE");
  app.add_option("--top", settings->top, "How many classes to show for an image [5]")
      ->type_name("INTEGER")
      ->check(CLI::PositiveNumber);
  app.add_flag(
      "--engine", settings->engine,
      "Compute by the engine, on the CPU and without work for inactive experts; --threads counts for it");
  app.add_flag("--json", settings->json, "Print the predictions as JSON");
  settings->flags.add_to(
      app, {{"general", "model"}, {"num_classes", "image_size", "batch_size", "channels_last", "plugin"}});
  app.footer(
      "A weights file without a description of its network needs --model and, where they differ from the "
      "defaults,\n"
      "the other options of the model; with --tensors, --image_size is then the height of the images.");
  app.callback([settings, &action] { action = [settings] { return predict(*settings); }; });
}

}  // namespace deepmoe::command
