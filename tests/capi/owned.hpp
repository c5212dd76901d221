#pragma once

/// What the tests of the C ABI share: owners of handles, checks of failures, and the count of living objects.

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "deepmoe_runtime.h"
#if !defined(DEEPMOE_RUNTIME_ONLY)
#include "deepmoe.h"
#endif

namespace deepmoe::capi_test {

inline void release(dmoe_error* object) { dmoe_error_release(object); }
inline void release(dmoe_string* object) { dmoe_string_release(object); }
inline void release(dmoe_options* object) { dmoe_options_release(object); }
inline void release(dmoe_tensors* object) { dmoe_tensors_release(object); }
inline void release(dmoe_engine* object) { dmoe_engine_release(object); }
inline void release(dmoe_plugin* object) { dmoe_plugin_release(object); }
#if !defined(DEEPMOE_RUNTIME_ONLY)
inline void release(dmoe_dataset* object) { dmoe_dataset_release(object); }
inline void release(dmoe_loader* object) { dmoe_loader_release(object); }
inline void release(dmoe_model* object) { dmoe_model_release(object); }
inline void release(dmoe_report* object) { dmoe_report_release(object); }
inline void release(dmoe_trainer* object) { dmoe_trainer_release(object); }
#endif

/// Owns one handle; out() is what a C function fills.
template <class T>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Owned(const Owned&) = delete;
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() { release(handle_); }
  T** out() {
    reset();
    return &handle_;
  }
  void reset() {
    release(handle_);
    handle_ = nullptr;
  }
  operator T*() const { return handle_; }

 private:
  T* handle_ = nullptr;
};

/// To be the fixture of a case: whatever the case made is released at its end.
struct NoLeaks {
  NoLeaks() = default;
  NoLeaks(const NoLeaks&) = delete;
  NoLeaks& operator=(const NoLeaks&) = delete;
  ~NoLeaks() { CHECK(dmoe_live_objects(DMOE_KIND_ALL) == objects_at_start); }
  const int64_t objects_at_start = dmoe_live_objects(DMOE_KIND_ALL);
};

/// Text of a string handle, which is released.
inline std::string take(Owned<dmoe_string>& string) {
  std::string text = dmoe_string_data(string);
  string.reset();
  return text;
}

/// Checks that `call(error)` fails with `status` and a message that contains `part`.
template <class Call>
void check_fails(int32_t status, const std::string& part, Call call) {
  Owned<dmoe_error> error;
  const int32_t got = call(error.out());
  INFO("message: ", std::string(dmoe_error_message(error)));
  CHECK(got == status);
  CHECK(dmoe_error_code(error) == got);
  CHECK(std::string(dmoe_error_message(error)).find(part) != std::string::npos);
}

/// Checks that `call(error)` succeeds and leaves the error alone.
template <class Call>
void check_succeeds(Call call) {
  Owned<dmoe_error> error;
  const int32_t got = call(error.out());
  INFO("message: ", std::string(dmoe_error_message(error)));
  REQUIRE(got == DMOE_OK);
  CHECK(static_cast<dmoe_error*>(error) == nullptr);
}

/// Options with these values, e.g. "{\"epochs\": 1}".
inline Owned<dmoe_options> options_with(const std::string& json) {
  Owned<dmoe_options> options;
  check_succeeds([&](dmoe_error** error) { return dmoe_options_create(options.out(), error); });
  check_succeeds([&](dmoe_error** error) { return dmoe_options_set_json(options, json.c_str(), error); });
  return options;
}

}  // namespace deepmoe::capi_test
