#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace deepmoe {

/// The values are those of the DMOE_LOG_* constants of the C ABI.
enum class LogLevel : std::int32_t { error = 0, warning = 1, info = 2, debug = 3 };

using LogSink = std::function<void(LogLevel, const std::string& message)>;

/// Replaces the receiver of log messages. An empty sink restores the default: warnings and errors to standard error.
/// Safe to call from any thread; the sink itself may be called from any thread, one message at a time.
void set_log_sink(LogSink sink);

/// Hands one message to the sink. Never throws: what a sink throws is dropped.
void log(LogLevel level, const std::string& message) noexcept;

}  // namespace deepmoe
