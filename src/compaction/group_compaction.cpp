#include "compaction/group_compaction.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"
#include "compaction/channel_constants.hpp"

namespace deepmoe {
namespace {

/// The entries of a node that hold one row for each of its channels.
std::vector<std::string> rows_of(const Node& node, const Weights& weights) {
  std::vector<std::string> present;
  for (const char* entry : {"weight", "bias", "running_mean", "running_var", "fc.weight", "fc.bias"}) {
    std::string name = node.parameters + "." + entry;
    if (weights.has(name)) present.push_back(std::move(name));
  }
  return present;
}

class GroupCutter {
 public:
  GroupCutter(Architecture& architecture, Weights& weights, const ChannelGroup& group,
              const std::map<std::int32_t, std::vector<bool>>& inactive)
      : architecture_(architecture),
        weights_(weights),
        group_(group),
        inactive_(inactive),
        constants_(channel_constants(architecture, weights, group, inactive)) {}

  GroupCompaction cut() {
    GroupCompaction result;
    const std::string needed_by = sort_channels();
    if (!needed_by.empty()) {
      result.reason = concat("node '", needed_by, "' reads their channels without this gate");
    }
    result.silent = !removed_.empty() && (kept_.empty() || constant_under_padding());
    result.kept = static_cast<std::int64_t>(kept_.size()) + (result.silent ? 1 : 0);
    if (result.kept == group_.channels) {  // Nothing to gain.
      if (result.silent) result.reason = "a silent expert would have to take its place";
      result.silent = false;
      return result;
    }
    ChannelConstants silent_constants;
    if (result.silent) {
      silent_ = removed_.front();
      kept_.insert(std::lower_bound(kept_.begin(), kept_.end(), silent_), silent_);
      silence();
      silent_constants = channel_constants(architecture_, weights_, group_, inactive_);
    }
    for (const ChannelReader& reader : group_.readers) {
      fold(reader, silent_constants);
      weights_.change(node(reader.node).parameters + ".weight").keep_columns(kept_, reader.block);
    }
    for (const std::int32_t member : group_.members) {
      if (node(member).parameters.empty()) continue;
      for (const std::string& name : rows_of(node(member), weights_)) weights_.change(name).keep_rows(kept_);
    }
    Operation& producer = node(group_.producer).operation;
    if (auto* convolution = std::get_if<Convolution>(&producer)) convolution->channels = result.kept;
    if (auto* linear = std::get_if<Linear>(&producer)) linear->channels = result.kept;
    return result;
  }

 private:
  Node& node(std::int32_t index) { return architecture_.nodes[static_cast<std::size_t>(index)]; }
  double constant(const ChannelReader& reader, std::int64_t channel) const {
    return constants_.at(reader.source)[static_cast<std::size_t>(channel)];
  }

  /// Fills kept_ and removed_; returns the first reader that an inactive expert's channel is no constant to.
  std::string sort_channels() {
    std::string needed_by;
    for (std::int64_t channel = 0; channel < group_.channels; ++channel) {
      const auto needs_it = std::find_if(
          group_.readers.begin(), group_.readers.end(),
          [&](const ChannelReader& reader) { return !std::isfinite(constant(reader, channel)); });
      if (needs_it == group_.readers.end()) {
        removed_.push_back(channel);
        continue;
      }
      kept_.push_back(channel);
      const bool is_inactive = std::any_of(inactive_.begin(), inactive_.end(), [&](const auto& gate) {
        return gate.second[static_cast<std::size_t>(channel)];
      });
      if (is_inactive && needed_by.empty()) needed_by = node(needs_it->node).name;
    }
    return needed_by;
  }

  bool sees_padding(const ChannelReader& reader) {
    const auto* const convolution = std::get_if<Convolution>(&node(reader.node).operation);
    return convolution != nullptr && convolution->padding > 0;
  }

  bool constant_under_padding() {
    return std::any_of(group_.readers.begin(), group_.readers.end(), [&](const ChannelReader& reader) {
      return sees_padding(reader) && std::any_of(removed_.begin(), removed_.end(), [&](std::int64_t channel) {
               return constant(reader, channel) != 0;
             });
    });
  }

  /// Makes an expert whose gate is 0 whatever the image, and stays so in training, as nothing reaches it
  /// through the ReLU of its gate. Its batch norms give 1 from any constant, with the statistics of a batch
  /// as with the running ones.
  void silence() {
    for (const std::int32_t member : group_.members) {
      const Node& silenced = node(member);
      const auto* const norm = std::get_if<BatchNorm>(&silenced.operation);
      if (silenced.parameters.empty()) continue;
      for (const std::string& name : rows_of(silenced, weights_)) weights_.change(name).zero_row(silent_);
      if (norm == nullptr) continue;
      *weights_.change(silenced.parameters + ".running_var").row(silent_) = 1.0F;
      if (norm->affine) {
        *weights_.change(silenced.parameters + ".bias").row(silent_) = 1.0F;
      } else {
        *weights_.change(silenced.parameters + ".running_mean").row(silent_) = -1.0F;
      }
    }
  }

  /// Moves what the removed channels contribute to a reader into its bias or to the silent expert's kernel.
  void fold(const ChannelReader& reader, const ChannelConstants& silent_constants) {
    const std::string prefix = node(reader.node).parameters;
    CuttableTensor& weight = weights_.change(prefix + ".weight");
    const std::int64_t outputs = weight.shape[0];
    const std::int64_t taps = weight.row_size() / weight.shape[1] * reader.block;  // of one channel
    std::vector<double> sums(static_cast<std::size_t>(outputs * taps), 0.0);
    for (std::int64_t output = 0; output < outputs; ++output) {
      for (const std::int64_t channel : removed_) {
        const float* const kernel = weight.row(output) + channel * taps;
        const double value = constant(reader, channel);
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          sums[static_cast<std::size_t>(output * taps + tap)] += value * static_cast<double>(kernel[tap]);
        }
      }
      if (silent_ >= 0) std::fill_n(weight.row(output) + silent_ * taps, taps, 0.0F);
    }
    if (std::all_of(sums.begin(), sums.end(), [](double sum) { return sum == 0; })) return;
    if (sees_padding(reader)) {
      const double value = silent_constants.at(reader.source)[static_cast<std::size_t>(silent_)];
      if (!std::isfinite(value) || value == 0) {
        fail(ErrorCode::internal, "the silent expert before '", node(reader.node).name, "' says nothing");
      }
      for (std::int64_t output = 0; output < outputs; ++output) {
        float* const kernel = weight.row(output) + silent_ * taps;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          kernel[tap] = static_cast<float>(sums[static_cast<std::size_t>(output * taps + tap)] / value);
        }
      }
      return;
    }
    CuttableTensor& bias = bias_of(node(reader.node), outputs);
    for (std::int64_t output = 0; output < outputs; ++output) {
      double sum = static_cast<double>(*bias.row(output));
      for (std::int64_t tap = 0; tap < taps; ++tap)
        sum += sums[static_cast<std::size_t>(output * taps + tap)];
      *bias.row(output) = static_cast<float>(sum);
    }
  }

  /// The bias of a convolution or linear layer, which is given one if it has none.
  CuttableTensor& bias_of(Node& reader, std::int64_t outputs) {
    const std::string name = reader.parameters + ".bias";
    if (!weights_.has(name)) {
      weights_.add_zeros(name, outputs);
      if (auto* convolution = std::get_if<Convolution>(&reader.operation)) convolution->bias = true;
      if (auto* linear = std::get_if<Linear>(&reader.operation)) linear->bias = true;
    }
    return weights_.change(name);
  }

  Architecture& architecture_;
  Weights& weights_;
  const ChannelGroup& group_;
  const std::map<std::int32_t, std::vector<bool>>& inactive_;
  const ChannelConstants constants_;
  std::vector<std::int64_t> kept_, removed_;
  std::int64_t silent_ = -1;
};

}  // namespace

GroupCompaction compact_group(Architecture& architecture, Weights& weights, const ChannelGroup& group,
                              const std::map<std::int32_t, std::vector<bool>>& inactive) {
  return GroupCutter(architecture, weights, group, inactive).cut();
}

}  // namespace deepmoe
