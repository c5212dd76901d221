#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/plane_kernels.hpp"

namespace deepmoe {

/// The gradient of a plane before its maximum, which only the chosen pixels have.
template <class E>
class PoolGradient {
 public:
  PoolGradient(const PlanePool& pool, const E* gradient, const E* output, const std::uint8_t* taps)
      : pool_(pool), gradient_(gradient), output_(output), taps_(taps) {
    for (std::size_t row = 0; row < pool.kernel; ++row) {
      for (std::size_t column = 0; column < pool.kernel; ++column) {
        offsets_.push_back(row * pool.width + column);
      }
    }
  }

  /// Calls `use(pixel, d)` for every chosen pixel, where d is 0 for a value that a ReLU did not let through;
  /// more than once where windows meet.
  template <class Use>
  void visit(std::size_t plane, const Use& use) const {
    std::size_t i = plane * pool_.out_pixels();
    for (std::size_t y = 0; y < pool_.out_height; ++y) {
      for (std::size_t x = 0; x < pool_.out_width; ++x, ++i) {
        // Wraps round where a window begins before the plane, which no chosen pixel does; a window of nothing
        // but minus infinity has none, and then any will do.
        const std::size_t corner =
            (y * pool_.stride - pool_.padding) * pool_.width + x * pool_.stride - pool_.padding;
        const std::size_t pixel = std::min(corner + offsets_[taps_[i]], pool_.pixels() - 1);
        // Without a branch, which nobody could foresee.
        const ComputedType<E> d = widened(gradient_[i]);
        use(pixel, widened(output_[i]) <= 0 ? 0 : d);
      }
    }
  }

 private:
  const PlanePool& pool_;
  const E *gradient_, *output_;
  const std::uint8_t* taps_;
  std::vector<std::size_t> offsets_;  ///< of a window's taps from its corner
};

}  // namespace deepmoe
