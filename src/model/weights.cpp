#include "model/weights.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/base.hpp"
#include "model/tensor_bridge.hpp"

namespace deepmoe {
namespace {

using TensorsByName = std::unordered_map<std::string, const SharedTensor*>;

TensorsByName by_name(const std::vector<SharedTensor>& tensors) {
  TensorsByName named;
  for (const SharedTensor& tensor : tensors) named.emplace(tensor.name, &tensor);
  return named;
}

bool is_counter(const ParameterSpecification& specification) { return specification.is_integer; }

bool is_floating(DataType type) {
  return type == DataType::f16 || type == DataType::bf16 || type == DataType::f32 || type == DataType::f64;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

/// The first few names, and how many more there are.
std::string abbreviate(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 5;
  std::vector<std::string> first(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size())));
  std::string text = join(first);
  if (names.size() > shown) text += concat(" and ", names.size() - shown, " more");
  return text;
}

}  // namespace

SharedTensor shared_view(const TensorView& view, std::shared_ptr<const SafetensorsFile> file) {
  SharedTensor tensor;
  tensor.name = view.name;
  tensor.type = view.type;
  tensor.shape = view.shape;
  // The file is mapped read-only; readers of these tensors never write.
  tensor.data = const_cast<std::byte*>(view.data.data());
  tensor.owner = std::move(file);
  return tensor;
}

std::vector<SharedTensor> tensors_of(std::shared_ptr<const SafetensorsFile> file) {
  std::vector<SharedTensor> tensors;
  for (const TensorView& view : file->tensors()) {
    if (!view.name.starts_with(training_prefix)) tensors.push_back(shared_view(view, file));
  }
  return tensors;
}

void expect_weights(const Network& network, const std::vector<SharedTensor>& tensors,
                    const std::string& origin) {
  const TensorsByName given = by_name(tensors);
  std::unordered_set<std::string> known;
  std::vector<std::string> missing, surplus;
  for (const Network::Entry& entry : network.state()) {
    const ParameterSpecification& specification = entry.specification;
    known.insert(specification.name);
    const auto found = given.find(specification.name);
    if (found == given.end()) {
      if (!is_counter(specification)) missing.push_back(specification.name);
      continue;
    }
    const SharedTensor& tensor = *found->second;
    if (tensor.shape != specification.shape) {
      fail(ErrorCode::format, origin, ": tensor '", specification.name, "' has the shape ",
           shape_text(tensor.shape), ", but the network needs ", shape_text(specification.shape),
           "; check the options that shape the network (model, num_classes, width, wide, embedding_dim, "
           "gate_position)");
    }
    if (!is_counter(specification) && !is_floating(tensor.type)) {
      fail(ErrorCode::format, origin, ": tensor '", specification.name, "' holds ",
           data_type_name(tensor.type), ", but weights must be F32, F64, F16 or BF16");
    }
  }
  for (const SharedTensor& tensor : tensors) {
    if (known.count(tensor.name) == 0) surplus.push_back(tensor.name);
  }
  if (!missing.empty()) {
    fail(ErrorCode::format, origin, ": ", missing.size(), " tensor(s) of the network '",
         network.architecture().model, "' are missing: ", abbreviate(missing),
         surplus.empty() ? std::string() : ". The file has others instead: " + abbreviate(surplus));
  }
  if (!surplus.empty()) {
    fail(ErrorCode::format, origin, ": ", surplus.size(), " tensor(s) do not belong to the network '",
         network.architecture().model, "': ", abbreviate(surplus));
  }
}

void copy_into(const Network& network, const std::vector<SharedTensor>& tensors, const std::string& origin) {
  expect_weights(network, tensors, origin);
  const TensorsByName given = by_name(tensors);
  const c10::NoGradGuard no_gradient;
  for (const Network::Entry& entry : network.state()) {
    const auto found = given.find(entry.specification.name);
    at::Tensor target = entry.tensor;
    if (found == given.end()) {
      target.zero_();
    } else {
      target.copy_(to_torch(*found->second));
    }
  }
}

void infer_from_weights(const std::vector<SharedTensor>& tensors, Options& options) {
  const auto complete = [&](const char* name, const std::string& value) {
    if (!options.given(name)) options.set(name, value, OptionSource::file);
  };
  const TensorsByName named = by_name(tensors);
  const auto find = [&](const std::string& name) -> const SharedTensor* {
    const auto found = named.find(name);
    return found == named.end() ? nullptr : found->second;
  };

  const SharedTensor* classifier = find("fc.weight");
  for (const char* name : {"classifier.0.weight", "classifier.6.weight"}) {
    if (const SharedTensor* candidate = find(name)) classifier = candidate;
  }
  if (classifier != nullptr && classifier->shape.size() == 2) {
    complete("num_classes", std::to_string(classifier->shape[0]));
  }
  if (const SharedTensor* stem = find("conv1.weight"); stem != nullptr && stem->shape.size() == 4) {
    complete("variant", stem->shape[2] == 7 ? "imagenet" : "cifar");
  } else if (find("classifier.0.weight") != nullptr) {
    complete("variant", find("classifier.6.weight") != nullptr ? "imagenet" : "cifar");
  }

  const SharedTensor* embedding_classifier = find("embedding_classifier.weight");
  if (embedding_classifier == nullptr) return;
  if (embedding_classifier->shape.size() == 2) {
    complete("embedding_dim", std::to_string(embedding_classifier->shape[1]));
  }
  int layers = 0;
  bool gate_bias = false;
  for (const SharedTensor& tensor : tensors) {
    if (tensor.name.rfind("embedding.net.", 0) == 0 && tensor.name.ends_with(".weight")) ++layers;
    if (tensor.name.ends_with(".fc.bias")) gate_bias = true;
  }
  if (layers == 4 || layers == 5) complete("embedding_layers", std::to_string(layers));
  complete("gate_bias", gate_bias ? "true" : "false");
  complete("embedding_norm", find("embedding_norm.running_mean") != nullptr ? "batch" : "none");
  complete("embedding_influence", "1");  // the heads of a network that nobody described have it in their weights
}

}  // namespace deepmoe
