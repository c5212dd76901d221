#include "engine/pooling.hpp"

#include <algorithm>
#include <limits>

namespace deepmoe {
namespace {

/// The larger of two, or the one that is not a number; without branches, so that loops of it become vectors.
float larger(float a, float b) {
  const float most = b > a ? b : a;
  return b == b ? (a == a ? most : a) : b;
}

/// Columns whose largest numbers are taken together.
constexpr std::int64_t columns_at_a_time = 256;

/// A pool of stride 2 whose rows, borders included, fit the memory for columns.
void max_pool_of_narrow_rows(const Kernels& kernels, const PoolWindow& window, const Shape& in_shape,
                             const Shape& out_shape, const float* in, float* out) {
  const auto width = static_cast<std::size_t>(in_shape.width);
  const auto padding = static_cast<std::size_t>(window.padding);
  // One more number than a row: windows are read in pairs.
  float columns[columns_at_a_time + 1];
  const float least = -std::numeric_limits<float>::infinity();
  std::fill_n(columns, padding, least);
  std::fill_n(columns + padding + width, padding + 1, least);
  for (std::int64_t y = 0; y < out_shape.height; ++y, out += out_shape.width) {
    const std::int64_t top = std::max<std::int64_t>(0, y * 2 - window.padding);
    const std::int64_t bottom = std::min(in_shape.height, y * 2 - window.padding + window.kernel);
    std::copy_n(in + top * in_shape.width, width, columns + padding);
    for (std::int64_t row = top + 1; row < bottom; ++row)
      kernels.larger_of(columns + padding, in + row * in_shape.width, width);
    kernels.largest_of_windows(columns, window.kernel, static_cast<std::size_t>(out_shape.width), out);
  }
}

void max_pool_of_any_window(const PoolWindow& window, const Shape& in_shape, const Shape& out_shape,
                            const float* in, float* out) {
  const std::int64_t width = in_shape.width;
  float column[columns_at_a_time];
  for (std::int64_t y = 0; y < out_shape.height; ++y) {
    const std::int64_t top = std::max<std::int64_t>(0, y * window.stride - window.padding);
    const std::int64_t bottom = std::min(in_shape.height, y * window.stride - window.padding + window.kernel);
    std::int64_t first = 0, last = 0;  // the input columns in `column`
    for (std::int64_t x = 0; x < out_shape.width; ++x, ++out) {
      const std::int64_t left = std::max<std::int64_t>(0, x * window.stride - window.padding);
      const std::int64_t right = std::min(width, x * window.stride - window.padding + window.kernel);
      if (right > last) {
        first = left;
        last = std::min(width, std::max(right, left + columns_at_a_time));
        if (last - first > columns_at_a_time) {
          // A window wider than the memory for columns.
          float most = -std::numeric_limits<float>::infinity();
          for (std::int64_t row = top; row < bottom; ++row)
            for (std::int64_t c = left; c < right; ++c) most = larger(most, in[row * width + c]);
          *out = most;
          last = 0;
          continue;
        }
        const std::int64_t count = last - first;
        std::copy_n(in + top * width + first, count, column);
        for (std::int64_t row = top + 1; row < bottom; ++row) {
          const float* from = in + row * width + first;
          for (std::int64_t c = 0; c < count; ++c) column[c] = larger(column[c], from[c]);
        }
      }
      float most = column[left - first];
      for (std::int64_t c = left + 1; c < right; ++c) most = larger(most, column[c - first]);
      *out = most;
    }
  }
}

/// The mean of numbers in a row. Several sums at once, since each has to wait for its own last addition.
float mean(const float* x, std::int64_t count) {
  double sums[4] = {};
  std::int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (std::int64_t k = 0; k < 4; ++k) sums[k] += double{x[i + k]};
  }
  for (; i < count; ++i) sums[0] += double{x[i]};
  return static_cast<float>(((sums[0] + sums[1]) + (sums[2] + sums[3])) / static_cast<double>(count));
}

void average_pool_of_plane(const Shape& in_shape, const Shape& out_shape, const float* in, float* out) {
  for (std::int64_t y = 0; y < out_shape.height; ++y) {
    const std::int64_t top = y * in_shape.height / out_shape.height;
    const std::int64_t bottom = ((y + 1) * in_shape.height + out_shape.height - 1) / out_shape.height;
    for (std::int64_t x = 0; x < out_shape.width; ++x, ++out) {
      const std::int64_t left = x * in_shape.width / out_shape.width;
      const std::int64_t right = ((x + 1) * in_shape.width + out_shape.width - 1) / out_shape.width;
      double sum = 0;
      for (std::int64_t row = top; row < bottom; ++row)
        for (std::int64_t column = left; column < right; ++column)
          sum += double{in[row * in_shape.width + column]};
      *out = static_cast<float>(sum / static_cast<double>((bottom - top) * (right - left)));
    }
  }
}

}  // namespace

void max_pool(const Kernels& kernels, const PoolWindow& window, const Shape& in_shape, const Shape& out_shape,
              std::int32_t planes, const float* in, float* out) {
  const bool quarters = window.kernel == 2 && window.stride == 2 && window.padding == 0 &&
                        in_shape.height % 2 == 0 && in_shape.width % 2 == 0;
  if (quarters) {
    // Planes that follow each other are one tall plane.
    return kernels.largest_of_quarters(in, static_cast<std::size_t>(planes * in_shape.height),
                                       static_cast<std::size_t>(in_shape.width), out);
  }
  const bool narrow = window.stride == 2 && in_shape.width + 2 * window.padding <= columns_at_a_time;
  for (std::int32_t plane = 0; plane < planes; ++plane) {
    if (narrow) {
      max_pool_of_narrow_rows(kernels, window, in_shape, out_shape, in, out);
    } else {
      max_pool_of_any_window(window, in_shape, out_shape, in, out);
    }
    in += in_shape.height * in_shape.width;
    out += out_shape.height * out_shape.width;
  }
}

void average_pool(const Shape& in_shape, const Shape& out_shape, std::int32_t planes, const float* in,
                  float* out) {
  const std::int64_t pixels = in_shape.height * in_shape.width;
  const std::int64_t means = out_shape.height * out_shape.width;
  for (std::int32_t plane = 0; plane < planes; ++plane, in += pixels, out += means) {
    if (means == 1) {
      *out = mean(in, pixels);
    } else {
      average_pool_of_plane(in_shape, out_shape, in, out);
    }
  }
}

}  // namespace deepmoe
