#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "model/precision.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// The factor that keeps small gradients from vanishing in fp16 (Micikevicius et al., ICLR 2018): it halves
/// after gradients that are not finite, whose step is left out, and doubles after 2000 steps without any, as
/// torch.amp.GradScaler does. Does nothing for other precisions, whose range is that of fp32.
class LossScale {
 public:
  LossScale(Precision precision, const at::Device& device);

  at::Tensor scaled(const at::Tensor& loss) const;

  /// Takes the factor out of the gradients again and adapts it. The result is a scalar (f32, on the device)
  /// that is 1 where they are not finite and must not be used, and else 0; undefined where nothing is done.
  /// Does not wait for the device.
  at::Tensor unscale(const std::vector<at::Tensor>& parameters);

  /// "scale" (f32) and "steps" without a change (i32), sharing memory; empty where nothing is done.
  std::vector<SharedTensor> state() const;
  /// Takes the state of another one. Errors: format for a tensor that is missing, unknown or misshapen.
  void load_state(const std::vector<SharedTensor>& state);

 private:
  bool active() const { return scale_.defined(); }

  at::Tensor scale_, steps_;
};

}  // namespace deepmoe
