#include "training/step_statistics.hpp"

#include <c10/core/GradMode.h>

namespace deepmoe {
namespace {
constexpr double no_bad_step = -1.0;
}

StepStatistics::StepStatistics(const at::Device& device)
    : sums_(at::zeros({3}, at::TensorOptions(device).dtype(at::kDouble))) {
  reset();
}

void StepStatistics::reset() {
  sums_.zero_();
  sums_[2].fill_(no_bad_step);
  samples_ = 0;
}

void StepStatistics::add(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& labels,
                         std::int64_t step) {
  const c10::NoGradGuard no_gradient;
  const std::int64_t count = labels.size(0);
  const at::Tensor value = loss.detach().to(at::kDouble);
  sums_[0].add_(value, static_cast<double>(count));
  sums_[1].add_(logits.detach().argmax(1).eq(labels).sum());
  const at::Tensor is_first_bad = value.isfinite().logical_not().logical_and(sums_[2].lt(0.0));
  sums_[2].masked_fill_(is_first_bad, static_cast<double>(step));
  samples_ += count;
}

void StepStatistics::gather(ProcessGroup& processes) {
  if (processes.alone()) return;
  const at::Tensor all = at::cat({sums_.narrow(0, 0, 2).cpu(), at::tensor({double(samples_)}, at::kDouble)});
  processes.sum(all);
  if (processes.rank() != 0) return reset();
  sums_.narrow(0, 0, 2).copy_(all.narrow(0, 0, 2));
  samples_ = static_cast<std::int64_t>(all[2].item<double>());
}

StepStatistics::Means StepStatistics::read() const {
  Means means;
  means.samples = samples_;
  if (samples_ == 0) return means;
  const at::Tensor sums = sums_.cpu();
  const double* values = sums.const_data_ptr<double>();
  means.loss = values[0] / static_cast<double>(samples_);
  means.accuracy = values[1] / static_cast<double>(samples_);
  means.first_bad_step = static_cast<std::int64_t>(values[2]);
  return means;
}

void StepStatistics::restore(const at::Tensor& sums, std::int64_t samples) {
  sums_.copy_(sums);
  samples_ = samples;
}

StepStatistics::Means StepStatistics::read(ProcessGroup& processes) const {
  Means means = read();
  if (processes.alone()) return means;
  const auto own = static_cast<double>(means.samples);
  const at::Tensor sums = at::tensor({own, means.loss * own, means.accuracy * own}, at::kDouble);
  processes.sum(sums);
  if (sums[0].item<double>() == 0.0) return means;
  const auto* value = sums.const_data_ptr<double>();
  means.samples = static_cast<std::int64_t>(value[0]);
  means.loss = value[1] / value[0];
  means.accuracy = value[2] / value[0];
  return means;
}

}  // namespace deepmoe
