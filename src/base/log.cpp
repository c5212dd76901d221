#include "base/log.hpp"

#include <cstdio>
#include <mutex>
#include <utility>

namespace deepmoe {
namespace {

std::mutex& sink_mutex() {
  static std::mutex mutex;
  return mutex;
}

LogSink& current_sink() {
  static LogSink sink;
  return sink;
}

}  // namespace

void set_log_sink(LogSink sink) {
  const std::lock_guard lock(sink_mutex());
  current_sink() = std::move(sink);
}

void log(LogLevel level, const std::string& message) noexcept {
  try {
    const std::lock_guard lock(sink_mutex());
    if (const LogSink& sink = current_sink()) {
      sink(level, message);
    } else if (level <= LogLevel::warning) {
      std::fprintf(stderr, "deepmoe: %s: %s\n", level == LogLevel::error ? "error" : "warning", message.c_str());
    }
  } catch (...) {  // A failing receiver of messages must not become a failure of the work itself.
  }
}

}  // namespace deepmoe
