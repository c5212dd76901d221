#pragma once

/// Lets one call at a time use an object, so that a callback or a second thread is refused instead of
/// crashing.

#include <atomic>
#include <memory>
#include <utility>

#include "base/base.hpp"

namespace deepmoe::capi {

class UseFlag {
 public:
  /// `name` is a literal for messages.
  explicit UseFlag(const char* name) : name_(name) {}
  const char* name() const { return name_; }
  bool take() noexcept { return !taken_.exchange(true, std::memory_order_acquire); }
  void give_back() noexcept { taken_.store(false, std::memory_order_release); }

 private:
  const char* const name_;
  std::atomic<bool> taken_{false};
};

/// Holds a flag for the length of a call. It owns the flag too, as the handle may be released meanwhile.
class ExclusiveUse {
 public:
  /// Throws Error(state) when another call holds the flag.
  explicit ExclusiveUse(std::shared_ptr<UseFlag> flag) : flag_(std::move(flag)) {
    if (!flag_->take()) {
      fail(ErrorCode::state, "the ", flag_->name(),
           " is in use by a call that has not returned; call it neither from that call's callback nor from "
           "another thread at the same time");
    }
  }
  ~ExclusiveUse() { flag_->give_back(); }
  ExclusiveUse(const ExclusiveUse&) = delete;
  ExclusiveUse& operator=(const ExclusiveUse&) = delete;

 private:
  const std::shared_ptr<UseFlag> flag_;
};

}  // namespace deepmoe::capi
