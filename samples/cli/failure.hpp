#pragma once

/// How a subcommand fails, and what the command's exit status then is.

#include <cstdint>
#include <stdexcept>
#include <string>

namespace deepmoe::command {

/// The exit statuses; `deepmoe --help` and docs/command.md list them.
enum ExitStatus : int { succeeded = 0, failed = 1, wrong_usage = 2, interrupted = 130 };

/// What the help says of them.
constexpr const char* exit_statuses =
    "Exit status: 0 success; 1 the work failed; 2 wrong usage, nothing was started; 130 interrupted.";

/// Something on the command line, in the environment or in a configuration file that must be corrected.
/// Nothing was started.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A call of the library that failed; what() is the library's message.
class LibraryError : public std::runtime_error {
 public:
  LibraryError(std::int32_t status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  std::int32_t status() const noexcept { return status_; }

 private:
  std::int32_t status_;
};

}  // namespace deepmoe::command
