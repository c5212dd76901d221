#pragma once

/// What every opaque object of the C ABI begins with: a tag that tells its kind, and the count of living
/// objects.

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/base.hpp"
#include "deepmoe_runtime.h"

namespace deepmoe::capi {

enum class Kind : std::int32_t {
  error = DMOE_KIND_ERROR,
  string = DMOE_KIND_STRING,
  options = DMOE_KIND_OPTIONS,
  tensors = DMOE_KIND_TENSORS,
  dataset = DMOE_KIND_DATASET,
  model = DMOE_KIND_MODEL,
  trainer = DMOE_KIND_TRAINER,
  engine = DMOE_KIND_ENGINE,
  loader = DMOE_KIND_LOADER,
  report = DMOE_KIND_REPORT,
  plugin = DMOE_KIND_PLUGIN,
};

/// The C type's name, e.g. "dmoe_options".
std::string_view type_name(Kind kind);

/// Living objects of a kind (DMOE_KIND_*, DMOE_KIND_ALL for all together); -1 for an unknown kind. Any
/// thread.
std::int64_t live_objects(std::int32_t kind) noexcept;

/// The first base of every object, so that its tag can be read before the object's kind is known.
class Header {
 public:
  explicit Header(Kind kind) noexcept;
  ~Header();
  Header(const Header&) = delete;
  Header& operator=(const Header&) = delete;

  bool is(Kind kind) const noexcept;
  /// Throws Error(invalid_argument) naming `parameter` unless this is a living object of `kind`.
  void expect(Kind kind, const char* parameter) const;

 private:
  std::atomic<std::uint32_t> tag_;
};

/// Throws Error(invalid_argument) naming `parameter` when `pointer` is null.
void require(const void* pointer, const char* parameter);

/// The object behind a handle, once it is known not to be null and to be of its kind.
template <class Object>
Object& checked(Object* handle, const char* parameter) {
  require(handle, parameter);
  static_cast<const Header&>(*handle).expect(Object::kind, parameter);
  return *handle;
}

/// The object, or nullptr for null and for what is no object of this kind: for functions that cannot fail.
template <class Object>
Object* known(Object* handle) noexcept {
  return handle != nullptr && static_cast<const Header&>(*handle).is(Object::kind) ? handle : nullptr;
}

/// Deletes an object. What is none of its kind is left alone: losing memory beats destroying something else.
template <class Object>
void release(Object* handle) noexcept {
  delete known(handle);
}

}  // namespace deepmoe::capi
