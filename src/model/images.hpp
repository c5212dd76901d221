#pragma once

#include <ATen/ATen.h>

#include "data/data.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// Images (N, 3, H, W) on `device` as the network wants them: f32 as they are, u8 normalised. Shares memory
/// with `images` where nothing had to change. Errors: invalid_argument for another shape or type.
at::Tensor prepare_images(const SharedTensor& images, const Normalization& normalization,
                          const at::Device& device);

}  // namespace deepmoe
