#include "model/fold.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "model/network.hpp"
#include "model/tensor_bridge.hpp"

namespace deepmoe {
namespace {

template <class Kind>
bool is(const Node& node) {
  return std::holds_alternative<Kind>(node.operation);
}

class Folding {
 public:
  explicit Folding(const Model& model) : source_(model.architecture()) {
    for (const SharedTensor& entry : model.state()) state_.emplace(entry.name, to_torch(entry).cpu());
    find_consumers();
  }

  Architecture architecture() {
    Architecture folded;
    folded.model = source_.model + "_folded";
    folded.image_channels = source_.image_channels;
    folded.image_size = source_.image_size;
    std::vector<std::int32_t> position(source_.nodes.size(), -1);
    for (std::size_t i = 0; i < source_.nodes.size(); ++i) {
      if (!used_[i]) continue;
      Node node = source_.nodes[i];
      if (node.inputs.empty()) {
        position[i] = add(folded, std::move(node));
        continue;
      }
      const std::int32_t first = resolve(node.inputs[0]);
      if (is<BatchNorm>(node) && takes_norm(first)) {
        position[i] = position[static_cast<std::size_t>(first)];
        fold_norm(folded.nodes[static_cast<std::size_t>(position[i])],
                  source_.nodes[static_cast<std::size_t>(first)], node);
        continue;
      }
      for (std::int32_t& input : node.inputs) input = position[static_cast<std::size_t>(resolve(input))];
      position[i] = add(folded, std::move(node));
    }
    folded.logits = position[static_cast<std::size_t>(resolve(source_.logits))];
    validate(folded);
    return folded;
  }

  /// The state_dict of architecture().
  std::vector<SharedTensor> state(const Architecture& folded) const {
    std::vector<SharedTensor> state;
    for (const ParameterSpecification& specification : parameter_specifications(folded)) {
      const auto found = state_.find(specification.name);
      if (found != state_.end()) state.push_back(to_shared(specification.name, found->second));
    }
    return state;
  }

 private:
  static std::int32_t add(Architecture& architecture, Node node) {
    architecture.nodes.push_back(std::move(node));
    return static_cast<std::int32_t>(architecture.nodes.size()) - 1;
  }

  /// The node whose output `index` hands on: gates of 1 and dropout change nothing.
  std::int32_t resolve(std::int32_t index) const {
    const Node& node = source_.nodes[static_cast<std::size_t>(index)];
    return is<Gate>(node) || is<Dropout>(node) ? resolve(node.inputs[0]) : index;
  }

  /// Marks what the logits depend on without gates, and counts its readers.
  void find_consumers() {
    used_.assign(source_.nodes.size(), false);
    readers_.assign(source_.nodes.size(), 0);
    used_[static_cast<std::size_t>(resolve(source_.logits))] = true;
    for (std::size_t i = source_.nodes.size(); i-- > 0;) {
      if (!used_[i]) continue;
      for (const std::int32_t input : source_.nodes[i].inputs) {
        const auto read = static_cast<std::size_t>(resolve(input));
        used_[read] = true;
        ++readers_[read];
      }
    }
  }

  bool takes_norm(std::int32_t index) const {
    const auto node = static_cast<std::size_t>(index);
    return is<Convolution>(source_.nodes[node]) && readers_[node] == 1;
  }

  void fold_norm(Node& target, const Node& convolution, const Node& norm) {
    const auto& attributes = std::get<BatchNorm>(norm.operation);
    const auto of_norm = [&](const char* name) {
      return state_.at(norm.parameters + "." + name).to(at::kDouble);
    };
    at::Tensor scale = (of_norm("running_var") + attributes.epsilon).rsqrt();
    if (attributes.affine) scale = scale * of_norm("weight");
    at::Tensor offset = -of_norm("running_mean") * scale;
    if (attributes.affine) offset = offset + of_norm("bias");
    at::Tensor& weight = state_.at(convolution.parameters + ".weight");
    at::Tensor& bias = state_[convolution.parameters + ".bias"];
    if (bias.defined()) offset = offset + bias.to(at::kDouble) * scale;
    weight = (weight.to(at::kDouble) * scale.view({-1, 1, 1, 1})).to(at::kFloat);
    bias = offset.to(at::kFloat);
    std::get<Convolution>(target.operation).bias = true;
  }

  const Architecture& source_;
  std::map<std::string, at::Tensor> state_;
  std::vector<bool> used_;
  std::vector<int> readers_;
};

}  // namespace

std::shared_ptr<Model> fold_model(const Model& model) {
  return with_libtorch_errors([&] {
    const c10::NoGradGuard no_gradient;
    Folding folding(model);
    const Architecture architecture = folding.architecture();
    Options options = model.options();
    options.set("weights", "");
    options.set("channels_last", "on");
    std::shared_ptr<Model> folded = Model::create(architecture, options);
    folded->load_state(folding.state(architecture), "folding");
    folded->describe_data(model.normalization(), model.class_names());
    // A convolution of images that are stored channels last wants its weights so, too, and would reorder them
    // in every call.
    for (const Network::Entry& entry : folded->network().state()) {
      at::Tensor tensor = entry.tensor;
      if (tensor.dim() == 4) tensor.set_data(tensor.detach().contiguous(at::MemoryFormat::ChannelsLast));
    }
    return folded;
  });
}

}  // namespace deepmoe
