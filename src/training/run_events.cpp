#include "training/run_events.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "model/libtorch_errors.hpp"

namespace deepmoe {

void RunEvents::report(Event event, const nlohmann::json& details) {
  if (!callback_ || own_ != 0 || cancelled()) return;
  own_ = callback_(event, details);
  if (processes_.alone()) answer_ = own_;
}

EventCallback RunEvents::for_evaluation() {
  if (!callback_) return {};
  return [this](Event event, const nlohmann::json& details) {
    report(event, details);
    return answer_;
  };
}

bool RunEvents::agree(bool wish) {
  if (processes_.alone()) return wish;
  // A negative answer is one, too.
  const std::int64_t own = own_;
  const std::vector<std::int64_t> largest =
      with_libtorch_errors([&] { return processes_.largest({own, -own, wish ? 1 : 0}); });
  answer_ = static_cast<std::int32_t>(largest[0] > 0 ? largest[0] : -largest[1]);
  return largest[2] > 0;
}

}  // namespace deepmoe
