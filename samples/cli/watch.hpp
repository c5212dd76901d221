#pragma once

#include <cstdint>
#include <exception>

#include "progress.hpp"

namespace deepmoe::command {

/// What a long call of the library reports to: shows the progress, and asks the call to stop when a signal
/// came.
class Watch {
 public:
  explicit Watch(std::int64_t print_every) : progress(print_every) {}

  /// A dmoe_event_callback whose user data is a Watch.
  static std::int32_t receive(std::int32_t event, const char* json, void* watch);
  /// Throws what went wrong while an event was shown, if anything did.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  Progress progress;

 private:
  std::exception_ptr failure_;
};

}  // namespace deepmoe::command
