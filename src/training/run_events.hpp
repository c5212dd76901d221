#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "training/process_group.hpp"
#include "training/training.hpp"

namespace deepmoe {

/// What a run tells its host, and the host's wish to stop. Each process of a distributed run has a host of
/// its own, and events of its own; they stop together, as no process can go on without the others.
class RunEvents {
 public:
  /// Both must outlive this object; `callback` may be empty.
  RunEvents(const EventCallback& callback, ProcessGroup& processes)
      : callback_(callback), processes_(processes) {}

  /// Whether there is a host that listens.
  bool heard() const { return callback_ != nullptr; }

  /// Hands an event on. After a wish to stop none is.
  void report(Event event, const nlohmann::json& details);

  /// A callback for `evaluate` that reports its events, and in a distributed run lets every process come to
  /// the end of its images.
  EventCallback for_evaluation();

  /// Lets all processes know what the hosts of each have answered. True if `wish` is in any of them.
  /// Collective, and the only function by which the answer of a distributed run changes.
  bool agree(bool wish = false);

  /// What a host answered that wishes to stop, or 0. In a distributed run the same in every process, so that
  /// all take the same way.
  std::int32_t answer() const { return answer_; }
  bool cancelled() const { return answer_ != 0; }

 private:
  const EventCallback& callback_;
  ProcessGroup& processes_;
  std::int32_t own_ = 0;     ///< the answer of this process's host
  std::int32_t answer_ = 0;  ///< that of all
};

}  // namespace deepmoe
