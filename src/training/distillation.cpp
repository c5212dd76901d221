#include "training/distillation.hpp"

#include <c10/core/GradMode.h>

#include <array>

#include "base/base.hpp"
#include "model/network.hpp"

namespace deepmoe {
namespace {

/// A plane's factor or summand for each channel.
at::Tensor of_channels(const std::array<float, 3>& values, const at::Device& device) {
  return at::tensor(at::ArrayRef<float>(values.data(), values.size()), at::kFloat)
      .view({1, 3, 1, 1})
      .to(device);
}

bool equal(const Normalization& left, const Normalization& right) {
  return left.mean == right.mean && left.deviation == right.deviation;
}

}  // namespace

Distillation::Distillation(const Model& model, const Options& options) : model_(model) {
  const std::string path = options.text("distill");
  if (path.empty()) return;
  Options teacher_options;
  teacher_options.set("device", model.device());
  teacher_ = Model::load(path, teacher_options);
  const Architecture& taught = model.architecture();
  const Architecture& teacher = teacher_->architecture();
  if (teacher.num_classes() != taught.num_classes() || teacher.image_channels != taught.image_channels) {
    fail(ErrorCode::invalid_argument, "the network in '", path, "' tells ", teacher.num_classes(),
         " classes of images with ", teacher.image_channels, " channels apart, but the one to be taught ",
         taught.num_classes(), " of images with ", taught.image_channels,
         "; set distill to a network for the same images and classes");
  }
  adapted_to_ = teacher_->normalization();
}

void Distillation::adapt_to(const Normalization& ours) {
  adapted_to_ = ours;
  scale_ = offset_ = at::Tensor();
  const Normalization& theirs = teacher_->normalization();
  if (equal(ours, theirs)) return;
  std::array<float, 3> scale{}, offset{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    scale[channel] = ours.deviation[channel] / theirs.deviation[channel];
    offset[channel] = (ours.mean[channel] - theirs.mean[channel]) / theirs.deviation[channel];
  }
  scale_ = of_channels(scale, teacher_->network().device());
  offset_ = of_channels(offset, teacher_->network().device());
}

at::Tensor Distillation::teacher_logits(const at::Tensor& images) {
  if (teacher_ == nullptr) return {};
  const c10::NoGradGuard no_gradient;
  // A run describes its data when it begins, which is after this was made.
  if (!equal(model_.normalization(), adapted_to_)) adapt_to(model_.normalization());
  return teacher_->network().forward(scale_.defined() ? images * scale_ + offset_ : images, false).logits;
}

}  // namespace deepmoe
