#pragma once

#include <cstdint>

#include "architecture/architecture.hpp"
#include "engine/kernels.hpp"

namespace deepmoe {

struct PoolWindow {
  std::int32_t kernel, stride, padding;
};

/// The largest number of each window of `planes` planes that follow each other, of the shapes' heights and
/// widths; what is not a number is larger than any.
void max_pool(const Kernels& kernels, const PoolWindow& window, const Shape& in_shape, const Shape& out_shape,
              std::int32_t planes, const float* in, float* out);

/// Output row y of n is the mean of the rows floor(y h / n) .. ceil((y + 1) h / n) - 1, columns alike, as
/// PyTorch's adaptive pool.
void average_pool(const Shape& in_shape, const Shape& out_shape, std::int32_t planes, const float* in,
                  float* out);

}  // namespace deepmoe
