#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/lowering.hpp"

namespace deepmoe {

/// Where each value lies in the working memory, in floats for one sample: values that are never needed at the
/// same time share memory.
struct BufferLayout {
  std::vector<std::size_t> offsets;  ///< of each value; value 0, the image, is the caller's and has none
  std::size_t floats = 0;            ///< of all values
};

BufferLayout lay_out_buffers(const LoweredNetwork& network);

}  // namespace deepmoe
