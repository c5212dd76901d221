#pragma once

#include <c10/util/Exception.h>

#include <utility>

#include "base/base.hpp"

namespace deepmoe {

/// Runs `work` and turns LibTorch's exceptions into the library's own, without the C++ stack that LibTorch
/// adds to their text.
template <class Work>
auto with_libtorch_errors(Work&& work) -> decltype(std::forward<Work>(work)()) {
  try {
    return std::forward<Work>(work)();
  } catch (const c10::OutOfMemoryError& error) {
    fail(ErrorCode::out_of_memory, error.what_without_backtrace(),
         "; use a smaller batch_size or image_size");
  } catch (const c10::Error& error) {
    fail(ErrorCode::internal, "LibTorch: ", error.what_without_backtrace());
  }
}

}  // namespace deepmoe
