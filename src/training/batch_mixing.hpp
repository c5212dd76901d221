#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "options/options.hpp"

namespace deepmoe {

/// A batch as the network is to learn it.
struct MixedBatch {
  at::Tensor images;
  at::Tensor targets;  ///< (N) classes, or once mixed the probability of each class, (N, classes) f32
  at::Tensor labels;   ///< (N): of the image that makes up more of each
};

/// How one batch is mixed: each image receives a part of the image that stands `offset` places before it.
struct Mixture {
  enum class Kind { none, blend, paste };
  Kind kind = Kind::none;
  double share = 1.0;  ///< of the image itself, for a paste by area
  std::int64_t offset = 0;
  std::int64_t top = 0, left = 0, height = 0, width = 0;  ///< of the rectangle that a paste replaces
};

/// Makes new images and labels of pairs within a batch, a whole batch in the same way:
///  - mixup: the pair is blended, in a proportion drawn from Beta(a, a) (Zhang et al., ICLR 2018)
///  - cutmix: a rectangle of one replaces that of the other; its area is drawn so, and its centre uniformly
///    (Yun et al., ICCV 2019)
/// Labels are mixed in the same proportion. With both on, each batch has one of them, with equal probability,
/// as in timm. What is drawn depends on seed and step alone. Options read: mixup, cutmix (the parameter a of
/// each, 0 for off) and seed.
class BatchMixing {
 public:
  BatchMixing(const Options& options, std::int64_t num_classes);

  /// `images` (N, C, H, W) and `labels` (N) are not changed, and handed on as they are where nothing is
  /// mixed, as in a batch of one image.
  MixedBatch mix(const at::Tensor& images, const at::Tensor& labels, std::int64_t step) const;

  Mixture draw(std::int64_t step, std::int64_t samples, std::int64_t height, std::int64_t width) const;

 private:
  double mixup_, cutmix_;
  std::uint64_t seed_;
  std::int64_t num_classes_;
};

}  // namespace deepmoe
