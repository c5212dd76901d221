#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "failure.hpp"
#include "progress.hpp"
#include "signal.hpp"

namespace deepmoe::command {

/// What a long call of the library reports to: shows the progress, and asks the call to stop when a signal
/// came.
class Watch {
 public:
  /// Without `shown` the progress is kept to itself.
  explicit Watch(std::int64_t print_every, bool shown = true) : progress(print_every), shown_(shown) {}

  /// A dmoe_event_callback whose user data is a Watch.
  static std::int32_t receive(std::int32_t event, const char* json, void* watch);

  /// Makes a long call of the library that reports to this watch. False when a signal ended it early; what
  /// went wrong otherwise, in the call or while an event was shown, is thrown.
  template <class LongCall>
  bool follow(LongCall&& long_call) {
    const InterruptGuard guard;
    try {
      std::forward<LongCall>(long_call)();
    } catch (const LibraryError& error) {
      progress.clear();
      if (failure_) std::rethrow_exception(failure_);
      if (error.status() == interrupted) return false;
      throw;
    }
    progress.clear();
    return true;
  }

  Progress progress;

 private:
  bool shown_;
  std::exception_ptr failure_;
};

/// Says that a signal ended the work, with `more` behind it, and gives the exit status for that.
int stopped(const std::string& more = {});

}  // namespace deepmoe::command
