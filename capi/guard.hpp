#pragma once

/// Turns exceptions into a status and a dmoe_error, so that none leaves the library.

#include <cstdint>
#include <utility>

#include "base/base.hpp"
#include "deepmoe_runtime.h"

namespace deepmoe::capi {

/// Carries the non-zero answer of a host's callback out of a call, whose status it becomes unchanged.
class Stopped : public Error {
 public:
  Stopped(std::int32_t answer, const std::string& message)
      : Error(ErrorCode::cancelled, message), answer_(answer) {}
  std::int32_t answer() const noexcept { return answer_; }

 private:
  std::int32_t answer_;
};

/// The status of the exception being handled; fills `error` unless it is null. To be called in a catch block.
std::int32_t report(dmoe_error** error) noexcept;

/// Runs `body` and answers with its status.
template <class Body>
std::int32_t guard(dmoe_error** error, Body&& body) noexcept {
  try {
    std::forward<Body>(body)();
    return DMOE_OK;
  } catch (...) {
    return report(error);
  }
}

}  // namespace deepmoe::capi
