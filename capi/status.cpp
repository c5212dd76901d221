#include <string>

#include "guard.hpp"
#include "objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

const char* dmoe_status_name(int32_t status) {
  switch (status) {
    case DMOE_OK:
      return "ok";
    case DMOE_ERROR_INVALID_ARGUMENT:
      return "invalid_argument";
    case DMOE_ERROR_NOT_FOUND:
      return "not_found";
    case DMOE_ERROR_IO:
      return "io";
    case DMOE_ERROR_FORMAT:
      return "format";
    case DMOE_ERROR_UNSUPPORTED:
      return "unsupported";
    case DMOE_ERROR_OUT_OF_MEMORY:
      return "out_of_memory";
    case DMOE_ERROR_CANCELLED:
      return "cancelled";
    case DMOE_ERROR_NUMERIC:
      return "numeric";
    case DMOE_ERROR_STATE:
      return "state";
    case DMOE_ERROR_INTERNAL:
      return "internal";
    default:
      return "callback";
  }
}

int32_t dmoe_error_code(const dmoe_error* error) {
  const dmoe_error* object = known(error);
  return object != nullptr ? object->code : 0;
}

const char* dmoe_error_message(const dmoe_error* error) {
  const dmoe_error* object = known(error);
  return object != nullptr ? object->message.c_str() : "";
}

void dmoe_error_release(dmoe_error* error) { release(error); }

int32_t dmoe_abi_version(void) { return DMOE_ABI_VERSION; }

const char* dmoe_version(void) { return DEEPMOE_VERSION; }

int64_t dmoe_live_objects(int32_t kind) { return live_objects(kind); }

namespace {

/// Set while this thread runs the host's log callback, which holds the log's lock.
thread_local bool inside_log_callback = false;

}  // namespace

int32_t dmoe_set_log_callback(dmoe_log_callback callback, void* user_data, dmoe_error** error) {
  return guard(error, [&] {
    if (inside_log_callback) {
      fail(ErrorCode::state, "the log callback cannot be replaced from inside a log callback");
    }
    if (callback == nullptr) return set_log_sink({});
    set_log_sink([callback, user_data](LogLevel level, const std::string& message) {
      struct Mark {
        Mark() { inside_log_callback = true; }
        ~Mark() { inside_log_callback = false; }
      } const mark;
      callback(static_cast<int32_t>(level), message.c_str(), user_data);
    });
  });
}
