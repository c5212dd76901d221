#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

namespace deepmoe {

/// What kind of thing went wrong. The values are those of the DMOE_ERROR_* constants of the C ABI.
enum class ErrorCode : std::int32_t {
  invalid_argument = 1,  ///< a value, name, shape or combination that the caller can correct
  not_found = 2,         ///< a file, folder, tensor or name that does not exist
  io = 3,                ///< the operating system refused to read or write
  format = 4,            ///< a file or text that is not what it must be
  unsupported = 5,       ///< a valid wish that this version or this machine cannot fulfil
  out_of_memory = 6,
  cancelled = 7,         ///< a callback or a signal asked to stop
  numeric = 8,           ///< a loss or tensor became NaN or infinite
  state = 9,             ///< the call is not allowed in the object's present state
  internal = 10,         ///< a defect of the library
};

/// The one exception type of the library: a code, and a message that says what was wrong, with which value, and what
/// to do about it.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Joins its arguments, each written as by operator<<, into one string.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

/// Throws an Error whose message is the concatenation of `parts`.
template <class... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw Error(code, concat(parts...));
}

}  // namespace deepmoe
