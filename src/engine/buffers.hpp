#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/lowering.hpp"

namespace deepmoe {

/// The samples of one run and how many of them pass through the first steps together.
struct PassSizes {
  std::size_t early = 1;  ///< in the steps before `late_step`: few, so that activations stay in the cache
  std::size_t all = 1;    ///< in the others, whose weights are larger than their activations
};

/// The step from which on it pays to compute all samples of a run at a time, so that weights are read once
/// for them; the number of steps if there is none.
std::size_t late_step(const LoweredNetwork& network, const PassSizes& sizes);

/// Where values lie in the working memory.
struct BufferLayout {
  std::vector<std::size_t> offsets;  ///< of each value, in floats; value 0, the image, is the caller's
  std::size_t floats = 0;            ///< of all values
};

/// Which values share memory: those that are never needed at the same time.
class BufferPlan {
 public:
  BufferPlan(const LoweredNetwork& network, std::size_t late_step);

  BufferLayout lay_out(const PassSizes& sizes) const;

  /// Whether a value is kept for all samples of a run, and not for those of a pass through the early steps.
  bool of_all_samples(std::int32_t value) const {
    const std::int32_t piece = piece_of_[static_cast<std::size_t>(value)];
    return piece >= 0 && pieces_[static_cast<std::size_t>(piece)].of_all_samples;
  }

 private:
  /// Values that share one piece of memory, and when it is in use.
  struct Piece {
    std::size_t floats = 0;           // of one sample
    std::size_t first = 0, last = 0;  // steps
    bool of_all_samples = false;
  };

  std::vector<Piece> pieces_;
  std::vector<std::int32_t> piece_of_;  // of each value, or -1
};

}  // namespace deepmoe
