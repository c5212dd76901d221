#pragma once

/// Images and labels that a host hands over for one call.

#include <cstdint>

#include "architecture/architecture.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe::capi {

/// A view of batch x 3 x height x width floats. Errors: invalid_argument for NULL and for sides that are not
/// positive.
SharedTensor image_array(const float* images, std::int64_t batch, std::int64_t height, std::int64_t width);

/// A view of `batch` labels.
SharedTensor label_array(const std::int64_t* labels, std::int64_t batch);

/// Throws Error(invalid_argument) unless `images` is (N, 3, H, W) of float32 or uint8 with N, H, W > 0.
void expect_images(const SharedTensor& images);

/// The same, and that the sides are large enough for the network.
void expect_images(const SharedTensor& images, const Architecture& architecture);

}  // namespace deepmoe::capi
