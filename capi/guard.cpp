#include "guard.hpp"

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "objects.hpp"

namespace deepmoe::capi {
namespace {

/// Without the stack trace that LibTorch appends to its messages.
std::string_view first_part(std::string_view message) {
  return message.substr(0, message.find("\nException raised from "));
}

std::int32_t fill(dmoe_error** error, std::int32_t code, std::string_view message) noexcept {
  if (error == nullptr) return code;
  try {
    *error = new dmoe_error(code, std::string(message));
  } catch (...) {  // Not even the message fits into memory: the status has to do.
    *error = nullptr;
  }
  return code;
}

}  // namespace

std::int32_t report(dmoe_error** error) noexcept {
  try {
    throw;
  } catch (const Stopped& stopped) {
    return fill(error, stopped.answer(), stopped.what());
  } catch (const Error& known) {
    return fill(error, static_cast<std::int32_t>(known.code()), known.what());
  } catch (const std::bad_alloc&) {
    return fill(error, DMOE_ERROR_OUT_OF_MEMORY, "not enough memory");
  } catch (const std::exception& unexpected) {
    return fill(error, DMOE_ERROR_INTERNAL, first_part(unexpected.what()));
  } catch (...) {
    return fill(error, DMOE_ERROR_INTERNAL, "an exception of unknown type was thrown");
  }
}

}  // namespace deepmoe::capi
