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
  /// Loads the network of option `distill` onto the device of `model`, if there is one. Errors: those of
  /// Model::load; invalid_argument for another number of classes or of channels of the images.
  Distillation(const Model& model, const Options& options);

  /// What the teacher answers (N, classes) to images that are normalised for `model`; undefined without one.
  /// No gradients are recorded.
  at::Tensor teacher_logits(const at::Tensor& images);

 private:
  std::shared_ptr<Model> teacher_;
  at::Tensor scale_, offset_;  ///< from the normalisation of `model` to the teacher's; undefined where equal
};

}  // namespace deepmoe
