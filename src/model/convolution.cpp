#include "model/convolution.hpp"

#include <algorithm>

namespace deepmoe {
namespace {

/// The taps of a kernel along one axis that meet the input anywhere.
struct Taps {
  std::int64_t first, count, padding;
};

/// Taps `first .. first + count - 1` and the padding that keeps the output as it was; all taps where that
/// cannot be had.
Taps useful_taps(std::int64_t extent, const Convolution& convolution) {
  const std::int64_t outputs =
      (extent + 2 * convolution.padding - convolution.kernel) / convolution.stride + 1;
  // Output o reads input o * stride - padding + tap: the last output reaches lowest taps, the first one the
  // highest.
  const std::int64_t first =
      std::max<std::int64_t>(0, convolution.padding - (outputs - 1) * convolution.stride);
  const std::int64_t last = std::min(convolution.kernel - 1, extent - 1 + convolution.padding);
  const Taps taps{first, last - first + 1, convolution.padding - first};
  const bool same_outputs = taps.count > 0 && taps.padding >= 0 &&
                            (extent + 2 * taps.padding - taps.count) / convolution.stride + 1 == outputs;
  return same_outputs ? taps : Taps{0, convolution.kernel, convolution.padding};
}

}  // namespace

at::Tensor convolve(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    const Convolution& convolution) {
  const Taps rows = useful_taps(input.size(2), convolution);
  const Taps columns = useful_taps(input.size(3), convolution);
  if (rows.count == convolution.kernel && columns.count == convolution.kernel && convolution.padding > 0) {
    return at::conv2d(input, weight, bias, convolution.stride, convolution.padding);
  }
  const at::Tensor kernel = weight.narrow(2, rows.first, rows.count).narrow(3, columns.first, columns.count);
  const bool covers_input = rows.padding == 0 && columns.padding == 0 && rows.count == input.size(2) &&
                            columns.count == input.size(3);
  if (covers_input) {
    return at::linear(input.flatten(1), kernel.flatten(1), bias).unsqueeze(2).unsqueeze(3);
  }
  return at::conv2d(input, kernel, bias, convolution.stride, {rows.padding, columns.padding});
}

}  // namespace deepmoe
