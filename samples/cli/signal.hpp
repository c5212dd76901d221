#pragma once

namespace deepmoe::command {

/// While it lives, the first SIGINT or SIGTERM is only noted, so that work can end in good order; the second
/// ends the process at once. At most one at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// Whether a signal came. Any thread.
  static bool requested() noexcept;
};

}  // namespace deepmoe::command
