#include "engine/winograd_weights.hpp"

#include <algorithm>
#include <array>

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

template <class Weight>
constexpr std::size_t numbers_of_line = 64 / sizeof(Weight);

}  // namespace

template <class Weight>
WinogradWeights<Weight>::WinogradWeights(const Geometry& geometry, std::size_t lanes, const float* weight,
                                         const float* constants)
    : lanes_(lanes),
      outputs_(static_cast<std::size_t>(geometry.outputs)),
      channels_(static_cast<std::size_t>(geometry.inputs) + (constants != nullptr ? 1 : 0)),
      // One line more than a row needs, so that the rows of a product do not fall on the same cache set.
      row_numbers_((channels_ * lanes + numbers_of_line<Weight> - 1) / numbers_of_line<Weight> *
                       numbers_of_line<Weight> +
                   numbers_of_line<Weight>),
      buffer_(tile_points / lanes * outputs_ * row_numbers_) {
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
  transform_kernel(kernel, points.data());
  for (std::size_t part = 0; part < tile_points / lanes_; ++part) {
    std::transform(points.data() + part * lanes_, points.data() + (part + 1) * lanes_,
                   buffer_.data() + (part * outputs_ + output) * row_numbers_ + channel * lanes_,
                   nearest<Weight>);
  }
}

template class WinogradWeights<float>;
template class WinogradWeights<BFloat16>;

}  // namespace deepmoe
