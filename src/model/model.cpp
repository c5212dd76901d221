#include "model/model.hpp"

#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "architecture/gate_selection.hpp"
#include "base/base.hpp"
#include "model/device.hpp"
#include "model/images.hpp"
#include "model/initialization.hpp"
#include "model/libtorch_errors.hpp"
#include "model/network.hpp"
#include "model/tensor_bridge.hpp"
#include "model/weights.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

/// What a weights file remembers of the options: those that shape the network or its training, not those of
/// one machine.
bool is_remembered(const OptionDeclaration& declaration) {
  if (declaration.name == "weights") return false;
  for (const std::string_view group : {"model", "loss", "optimizer", "schedule"}) {
    if (declaration.group == group) return true;
  }
  for (const std::string_view name : {"recipe", "seed", "num_classes", "image_size"}) {
    if (declaration.name == name) return true;
  }
  return false;
}

json remembered_options(const Options& options) {
  const json resolved = options.resolved();
  json remembered = json::object();
  for (const OptionDeclaration& declaration : option_declarations()) {
    const std::string name(declaration.name);
    if (is_remembered(declaration)) remembered[name] = resolved.at(name);
  }
  return remembered;
}

/// The options of a weights file. Those that this version does not know are left out with a warning, so that
/// files of a newer version still load where their network can be built.
Options options_from_metadata(const json& stored, const std::string& path) {
  Options options;
  for (const auto& [name, value] : stored.items()) {
    if (name == "plugin") continue;  // Code is run only where the user names it, never where a file does.
    try {
      options.set_json(json{{name, value}}, OptionSource::file);
    } catch (const Error& error) {
      log(LogLevel::warning, concat(path, ": option '", name, "' is left out: ", error.what()));
    }
  }
  return options;
}

bool shapes_network(const OptionDeclaration& declaration) {
  return declaration.name == "num_classes" ||
         (declaration.group == "model" && declaration.name != "weights" && declaration.name != "gate_init" &&
          declaration.name != "zero_init_residual");
}

/// A network that the file describes cannot be another one by wish; say so instead of ignoring the wish.
void refuse_contradictions(const Options& given, const Options& stored, const std::string& path) {
  for (const OptionDeclaration& declaration : option_declarations()) {
    if (!shapes_network(declaration) || !given.given(declaration.name)) continue;
    const std::string wish = given.value(declaration.name);
    const std::string fact = stored.value(declaration.name);
    const bool left_open = declaration.name == "num_classes" && wish == "0";
    if (wish != fact && !left_open) {
      fail(ErrorCode::invalid_argument, path, " holds a network with ", declaration.name, " ", fact,
           ", but the options say ", wish, "; leave the option out");
    }
  }
}

json parse_metadata(const std::map<std::string, std::string>& metadata, const std::string& key,
                    const std::string& path) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  json value = json::parse(found->second, nullptr, false);
  if (value.is_discarded()) fail(ErrorCode::format, path, ": the metadata '", key, "' are not JSON");
  return value;
}

std::array<float, 3> three_numbers(const json& value, const std::string& path) {
  if (!value.is_array() || value.size() != 3 || !value[0].is_number() || !value[1].is_number() ||
      !value[2].is_number()) {
    fail(ErrorCode::format, path, ": the normalisation in the metadata is not three numbers");
  }
  return {value[0].get<float>(), value[1].get<float>(), value[2].get<float>()};
}

/// The same options with every "automatic" that shapes the network replaced by what it stands for.
Options concrete(Options options) {
  const bool small = options.integer("image_size") <= 64;
  if (options.text("variant") == "auto") options.set("variant", small ? "cifar" : "imagenet");
  if (options.integer("embedding_layers") == 0) options.set("embedding_layers", small ? "4" : "5");
  return options;
}

/// The network to be given the weights of a file: the one that the file holds, if it came from the network
/// that the options describe (it may have been compacted since), else the latter.
Architecture architecture_for(const std::string& path, const Options& options) {
  Architecture built = build_architecture(options);
  const SafetensorsFile file(path);
  const json architecture_json = parse_metadata(file.metadata(), "architecture", path);
  const json stored_json = parse_metadata(file.metadata(), "options", path);
  if (architecture_json.is_null() || !stored_json.is_object()) {
    // Heads of a network that nobody described have their whole influence in their weights.
    if (!options.given("embedding_influence")) set_embedding_influence(built, 1.0);
    return built;
  }
  const Options stored = options_from_metadata(stored_json, path), wanted = concrete(options);
  for (const OptionDeclaration& declaration : option_declarations()) {
    if (declaration.name == "embedding_influence") continue;  // changes no shape
    if (shapes_network(declaration) && stored.value(declaration.name) != wanted.value(declaration.name)) {
      return built;
    }
  }
  Architecture held = architecture_from_json(architecture_json);
  held.image_size = built.image_size;
  validate(held);
  const std::vector<std::int64_t> limits = selected_limits(held, options);
  if (!limits.empty()) set_active_limits(held, limits);
  if (options.given("embedding_influence")) {
    set_embedding_influence(held, options.real("embedding_influence"));
  }
  return held;
}

/// Which of the processes of this machine that train together this one is.
std::int64_t local_rank(const Options& options) {
  return options.text("distributed") == "off" ? 0 : process_place(process_environment()).local_rank;
}

Network::Layout layout_from(const Options& options) {
  const std::string wish = options.text("channels_last");
  if (wish == "auto") return Network::Layout::fastest;
  return wish == "on" ? Network::Layout::channels_last : Network::Layout::rows;
}

}  // namespace

Model::Model(Architecture architecture, const Options& options)
    : architecture_(std::move(architecture)), options_(concrete(options)) {
  const at::Device device = resolve_device(options.text("device"), local_rank(options));
  set_thread_count(options.integer("threads"));
  if (options.boolean("deterministic")) use_deterministic_algorithms();
  with_libtorch_errors([&] {
    network_ = std::make_unique<Network>(architecture_, device, layout_from(options_),
                                         static_cast<std::uint64_t>(options.integer("seed")));
  });
}

Model::~Model() = default;

std::shared_ptr<Model> Model::create(const Options& options) {
  const std::string weights = options.text("weights");
  return create(weights.empty() ? build_architecture(options) : architecture_for(weights, options), options);
}

std::shared_ptr<Model> Model::create(const Architecture& architecture, const Options& options) {
  std::shared_ptr<Model> model(new Model(architecture, options));
  initialize(*model->network_, options);
  const std::string weights = options.text("weights");
  if (!weights.empty()) {
    copy_into(*model->network_, tensors_of(std::make_shared<SafetensorsFile>(weights)), weights);
    model->is_new_ = false;
    // What the weights came with may be other than what was asked for.
    for (const std::int32_t gate : architecture.gates()) {
      const Node& node = architecture.nodes[static_cast<std::size_t>(gate)];
      model->options_.set_json({{"embedding_influence", std::get<Gate>(node.operation).influence}},
                               OptionSource::flag);
    }
  }
  return model;
}

std::shared_ptr<Model> Model::load(const std::string& path, const Options& given) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  const std::vector<SharedTensor> tensors = tensors_of(file);
  const json architecture_json = parse_metadata(file->metadata(), "architecture", path);

  std::shared_ptr<Model> model;
  if (architecture_json.is_null()) {
    if (!given.given("model")) {
      fail(ErrorCode::invalid_argument, path,
           " holds weights without a description of their network; name it with the option model (e.g. "
           "resnet18_moe)");
    }
    Options options = given;
    infer_from_weights(tensors, options);
    if (options.integer("num_classes") == 0) options.set("num_classes", "1000", OptionSource::file);
    if (options.integer("image_size") == 0) {
      options.set("image_size", options.text("variant") == "cifar" ? "32" : "224", OptionSource::file);
    }
    model.reset(new Model(build_architecture(options), options));
  } else {
    Architecture architecture;
    try {
      architecture = architecture_from_json(architecture_json);
    } catch (const Error& error) {
      fail(error.code(), path, ": ", error.what());
    }
    const json stored_json = parse_metadata(file->metadata(), "options", path);
    const Options stored =
        options_from_metadata(stored_json.is_object() ? stored_json : json::object(), path);
    refuse_contradictions(given, stored, path);
    Options options = stored;
    options.merge(given);
    if (options.integer("num_classes") == 0) {
      options.set("num_classes", std::to_string(architecture.num_classes()));
    }
    if (options.integer("image_size") == 0)
      options.set("image_size", std::to_string(architecture.image_size));
    model.reset(new Model(std::move(architecture), options));
  }
  copy_into(*model->network_, tensors, path);
  model->is_new_ = false;

  const json normalization = parse_metadata(file->metadata(), "normalization", path);
  if (normalization.is_object() && normalization.contains("mean") && normalization.contains("deviation")) {
    model->normalization_.mean = three_numbers(normalization["mean"], path);
    model->normalization_.deviation = three_numbers(normalization["deviation"], path);
  }
  const json class_names = parse_metadata(file->metadata(), "class_names", path);
  if (class_names.is_array()) {
    for (const json& name : class_names) {
      if (!name.is_string()) fail(ErrorCode::format, path, ": the class names in the metadata are not texts");
      model->class_names_.push_back(name.get<std::string>());
    }
  }
  return model;
}

void Model::save(const std::string& path) const {
  std::vector<SharedTensor> tensors;
  std::vector<TensorView> views;
  for (const Network::Entry& entry : network_->state()) {
    tensors.push_back(to_shared(entry.specification.name, entry.tensor.cpu()));
    const SharedTensor& tensor = tensors.back();
    const std::size_t bytes = static_cast<std::size_t>(tensor.elements()) * size_of(tensor.type);
    views.push_back({tensor.name, tensor.type, tensor.shape,
                     std::span(static_cast<const std::byte*>(tensor.data), bytes)});
  }
  write_safetensors(path, views, metadata());
}

std::map<std::string, std::string> Model::metadata() const {
  return {
      {"format", "deepmoe"},
      {"architecture", to_json(architecture_).dump()},
      {"options", remembered_options(options_).dump()},
      {"normalization", json{{"mean", normalization_.mean}, {"deviation", normalization_.deviation}}.dump()},
      {"class_names", json(class_names_).dump()}};
}

const Architecture& Model::architecture() const { return architecture_; }

void Model::set_gate_limits(const std::vector<std::int64_t>& limits) {
  set_active_limits(architecture_, limits);
}

void Model::set_gate_influence(double influence) { set_embedding_influence(architecture_, influence); }
const Options& Model::options() const { return options_; }
const Normalization& Model::normalization() const { return normalization_; }
const std::vector<std::string>& Model::class_names() const { return class_names_; }

std::string Model::device() const { return network_->device().str(); }

void Model::describe_data(const Normalization& normalization, std::vector<std::string> class_names) {
  normalization_ = normalization;
  class_names_ = std::move(class_names);
}

std::vector<SharedTensor> Model::forward(const SharedTensor& images) {
  const c10::NoGradGuard no_gradient;
  const Network::Outputs outputs = with_libtorch_errors(
      [&] { return network_->forward(prepare_images(images, normalization_, network_->device()), false); });
  const bool to_cpu = images.device == DeviceType::cpu;
  std::vector<SharedTensor> results;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    if (tensor.defined()) results.push_back(to_shared(name, to_cpu ? tensor.cpu() : tensor));
  };
  add("logits", outputs.logits);
  add("embedding", outputs.embedding);
  add("embedding_logits", outputs.embedding_logits);
  const std::vector<std::int32_t> gates = architecture_.gates();
  for (std::size_t i = 0; i < gates.size(); ++i) {
    add("gate." + architecture_.nodes[static_cast<std::size_t>(gates[i])].name, outputs.gates[i]);
  }
  return results;
}

std::vector<SharedTensor> Model::state() const {
  std::vector<SharedTensor> state;
  for (const Network::Entry& entry : network_->state()) {
    state.push_back(to_shared(entry.specification.name, entry.tensor));
  }
  return state;
}

void Model::load_state(const std::vector<SharedTensor>& state, const std::string& origin) {
  copy_into(*network_, state, origin);
}

}  // namespace deepmoe
