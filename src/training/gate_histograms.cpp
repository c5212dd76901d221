#include "training/gate_histograms.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "model/tensor_bridge.hpp"

namespace deepmoe {
namespace {

constexpr const char* section = "gate_histograms";

constexpr int lowest_power = -14, highest_power = 7, buckets_per_power = 4;

/// The upper ends of all buckets but the last, which has none.
std::vector<float> bucket_limits() {
  std::vector<float> limits{0.0F};
  for (int i = lowest_power * buckets_per_power; i <= highest_power * buckets_per_power; ++i) {
    limits.push_back(static_cast<float>(std::exp2(static_cast<double>(i) / buckets_per_power)));
  }
  return limits;
}

/// TensorBoard takes a bucket to begin where the one before ends, the first at the minimum. It divides by a
/// bucket's width, so that the zeros' must have one.
constexpr double end_of_zeros = 1.0 / (1 << 15);

NamedHistogram histogram(const std::string& name, const std::vector<float>& limits,
                         const std::int64_t* counts, const double* moments) {
  NamedHistogram result{.name = name,
                        .minimum = moments[2],
                        .maximum = std::max(moments[3], end_of_zeros),
                        .sum = moments[0],
                        .sum_of_squares = moments[1]};
  for (std::size_t bucket = 0; bucket <= limits.size(); ++bucket) {
    result.limits.push_back(bucket == 0              ? end_of_zeros
                            : bucket < limits.size() ? static_cast<double>(limits[bucket])
                                                     : std::numeric_limits<double>::max());
    result.counts.push_back(static_cast<double>(counts[bucket]));
  }
  // Empty buckets at either end say nothing.
  while (result.counts.size() > 1 && result.counts.back() == 0.0) {
    result.counts.pop_back();
    result.limits.pop_back();
  }
  return result;
}

}  // namespace

GateHistograms::GateHistograms(const Architecture& architecture, const at::Device& device)
    : architecture_(architecture) {
  const std::vector<float> limits = bucket_limits();
  const auto layers = static_cast<std::int64_t>(architecture.gates().size());
  limits_ = at::tensor(limits).to(device);
  counts_ = at::zeros({layers, static_cast<std::int64_t>(limits.size()) + 1},
                      at::TensorOptions(device).dtype(at::kLong));
  moments_ = at::zeros({layers, 4}, at::TensorOptions(device).dtype(at::kDouble));
  reset();
}

void GateHistograms::reset() {
  counts_.zero_();
  moments_.zero_();
  moments_.select(1, 2).fill_(std::numeric_limits<double>::infinity());
  empty_ = true;
}

void GateHistograms::add(const std::vector<at::Tensor>& gates) {
  const c10::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const auto layer = static_cast<std::int64_t>(i);
    const at::Tensor values = gates[i].to(at::kFloat).flatten();
    const at::Tensor buckets = at::bucketize(values, limits_);
    counts_.select(0, layer).scatter_add_(0, buckets, at::ones_like(buckets));
    const at::Tensor moments = moments_.select(0, layer);
    moments[0].add_(values.sum(at::kDouble));
    moments[1].add_(values.square().sum(at::kDouble));
    moments[2].copy_(at::minimum(moments[2], values.amin().to(at::kDouble)));
    moments[3].copy_(at::maximum(moments[3], values.amax().to(at::kDouble)));
  }
  empty_ = false;
}

void GateHistograms::save(Checkpoint& checkpoint) const {
  checkpoint.set(section, {{"empty", empty_ ? 1 : 0}},
                 {to_shared("counts", counts_), to_shared("moments", moments_)});
}

void GateHistograms::load(const Checkpoint& checkpoint) {
  if (!checkpoint.has(section)) return;
  const bool empty = checkpoint.integer(section, "empty", 0, 1) == 1;
  const auto stored = [&](const char* name, DataType type, const at::Tensor& present) {
    return to_torch(checkpoint.tensor(section, name, type, present.sizes().vec()));
  };
  const at::Tensor counts = stored("counts", DataType::i64, counts_),
                   moments = stored("moments", DataType::f64, moments_);
  counts_.copy_(counts);
  moments_.copy_(moments);
  empty_ = empty;
}

std::vector<NamedHistogram> GateHistograms::read() const {
  std::vector<NamedHistogram> histograms;
  if (empty_) return histograms;
  const at::Tensor counts = counts_.cpu(), moments = moments_.cpu();
  const std::vector<float> limits = bucket_limits();
  const std::vector<std::int32_t> nodes = architecture_.gates();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    histograms.push_back(histogram(architecture_.nodes[static_cast<std::size_t>(nodes[i])].name, limits,
                                   counts.const_data_ptr<std::int64_t>() + i * (limits.size() + 1),
                                   moments.const_data_ptr<double>() + i * 4));
  }
  return histograms;
}

}  // namespace deepmoe
