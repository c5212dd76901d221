#include "engine/winograd_weights.hpp"

#include <algorithm>
#include <array>

#include "engine/cache.hpp"
#include "engine/kernels.hpp"

namespace deepmoe {
namespace {

/// G g G^T (Lavin and Gray, CVPR 2016, section 4.1).
void transform_kernel(const float* kernel, float* points) {
  float rows[4][3];
  for (int c = 0; c < 3; ++c) {
    const float top = kernel[c], middle = kernel[3 + c], bottom = kernel[6 + c];
    rows[0][c] = top;
    rows[1][c] = 0.5F * (top + middle + bottom);
    rows[2][c] = 0.5F * (top - middle + bottom);
    rows[3][c] = bottom;
  }
  for (int r = 0; r < 4; ++r) {
    const float left = rows[r][0], middle = rows[r][1], right = rows[r][2];
    points[4 * r] = left;
    points[4 * r + 1] = 0.5F * (left + middle + right);
    points[4 * r + 2] = 0.5F * (left - middle + right);
    points[4 * r + 3] = right;
  }
}

/// One axis of a tile of two inputs, the others of its four being zero: y0 = g1 x1 + g2 x2 and y1 = g0 x1 +
/// g1 x2 are y0 = m1 + m2 and y1 = m0 + m1 with m = (x1 (g0 - g1), (x1 + x2) g1, x2 (g2 - g1)), three
/// products for four (Karatsuba's).
void transform_single_tile_kernel(const float* kernel, float* points) {
  float rows[3][3];
  for (int c = 0; c < 3; ++c) {
    const float top = kernel[c], middle = kernel[3 + c], bottom = kernel[6 + c];
    rows[0][c] = top - middle;
    rows[1][c] = middle;
    rows[2][c] = bottom - middle;
  }
  for (int r = 0; r < 3; ++r) {
    points[3 * r] = rows[r][0] - rows[r][1];
    points[3 * r + 1] = rows[r][1];
    points[3 * r + 2] = rows[r][2] - rows[r][1];
  }
}

bool fills_one_tile(const Geometry& geometry) {
  return geometry.height == 2 && geometry.width == 2 && geometry.padding == 1;
}

template <class Weight>
constexpr std::size_t numbers_of_line = 64 / sizeof(Weight);

}  // namespace

template <class Weight>
WinogradWeights<Weight>::WinogradWeights(const Geometry& geometry, std::size_t lanes, const float* weight,
                                         const float* constants)
    : lanes_(lanes),
      outputs_(static_cast<std::size_t>(geometry.outputs)),
      channels_(static_cast<std::size_t>(geometry.inputs) + (constants != nullptr ? 1 : 0)),
      points_(fills_one_tile(geometry) ? single_tile_points : tile_points),
      step_(is_single_tile() ? points_ : lanes),
      // One line more than a row needs, so that the rows of a product do not fall on the same cache set.
      row_numbers_((channels_ * step_ + numbers_of_line<Weight> - 1) / numbers_of_line<Weight> *
                       numbers_of_line<Weight> +
                   numbers_of_line<Weight>),
      part_numbers_(is_single_tile() ? lanes : outputs_ * row_numbers_),
      // The last vector of a row reads on.
      buffer_((is_single_tile() ? 1 : parts()) * outputs_ * row_numbers_ + tile_points) {
  std::fill_n(buffer_.data(), buffer_.size(), Weight{});
  const auto inputs = static_cast<std::size_t>(geometry.inputs);
  for (std::size_t output = 0; output < outputs_; ++output) {
    std::array<double, 9> sums{};
    for (std::size_t input = 0; input < inputs; ++input) {
      const float* kernel = weight + (output * inputs + input) * 9;
      pack(kernel, output, input);
      if (constants == nullptr) continue;
      for (std::size_t tap = 0; tap < 9; ++tap) sums[tap] += double{constants[input]} * double{kernel[tap]};
    }
    if (constants == nullptr) continue;
    std::array<float, 9> kernel{};
    for (std::size_t tap = 0; tap < 9; ++tap) kernel[tap] = static_cast<float>(sums[tap]);
    pack(kernel.data(), output, inputs);
  }
}

template <class Weight>
void WinogradWeights<Weight>::pack(const float* kernel, std::size_t output, std::size_t channel) {
  std::array<float, tile_points> points;
  if (is_single_tile()) {
    transform_single_tile_kernel(kernel, points.data());
    std::transform(points.data(), points.data() + points_,
                   buffer_.data() + output * row_numbers_ + channel * step_, nearest<Weight>);
    return;
  }
  transform_kernel(kernel, points.data());
  for (std::size_t part = 0; part < parts(); ++part) {
    std::transform(points.data() + part * lanes_, points.data() + (part + 1) * lanes_,
                   buffer_.data() + part * part_numbers_ + output * row_numbers_ + channel * step_,
                   nearest<Weight>);
  }
}

template <class Weight>
void WinogradWeights<Weight>::read_ahead(std::int32_t first, std::int32_t last, std::int32_t from,
                                         std::int32_t to) const {
  const std::size_t begin = static_cast<std::size_t>(from) * step_;
  const std::size_t bytes = static_cast<std::size_t>(to - from) * step_ * sizeof(Weight);
  for (std::size_t part = 0; part < parts(); ++part) {
    for (std::int32_t output = first; output < last; ++output) {
      // Reading in order is noticed after some lines; those of the next row are asked for by then.
      if (output + 1 < last)
        prefetch(row(part, static_cast<std::size_t>(output) + 1) + begin, std::min<std::size_t>(bytes, 512));
      read_into_cache(row(part, static_cast<std::size_t>(output)) + begin, bytes);
    }
  }
}

template class WinogradWeights<float>;
template class WinogradWeights<BFloat16>;

}  // namespace deepmoe
