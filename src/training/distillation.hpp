#pragma once

#include <ATen/ATen.h>

#include <memory>

#include "model/model.hpp"
#include "options/options.hpp"

namespace deepmoe {

/// The teacher of a training (Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015),
/// which sees the same images, augmented and mixed, as the network that it teaches (Beyer et al., Knowledge
/// Distillation: A Good Teacher Is Patient and Consistent, CVPR 2022). One thread at a time.
class Distillation {
 public:
  /// Loads the network of option `distill` onto the device of `model`, which must outlive this, if there is
  /// one. Errors: those of
  /// Model::load; invalid_argument for another number of classes or of channels of the images.
  Distillation(const Model& model, const Options& options);

  /// What the teacher answers (N, classes) to images that are normalised as `model` says by now; undefined
  /// without one. No gradients are recorded.
  at::Tensor teacher_logits(const at::Tensor& images);

 private:
  void adapt_to(const Normalization& normalization);

  const Model& model_;
  std::shared_ptr<Model> teacher_;
  Normalization adapted_to_;   ///< what scale_ and offset_ lead to the teacher's from
  at::Tensor scale_, offset_;  ///< undefined where nothing is to be done
};

}  // namespace deepmoe
