#include "handles.hpp"

#include <array>

namespace deepmoe::capi {
namespace {

constexpr std::int32_t last_kind = DMOE_KIND_PLUGIN;
// Tags share three letters, so that text, small numbers and freed memory are not taken for an object.
constexpr std::uint32_t tag_base = 0x444D4F00;
constexpr std::uint32_t dead_tag = 0;

/// The count of each kind; entry 0 counts all of them.
std::array<std::atomic<std::int64_t>, last_kind + 1> counts{};

std::uint32_t tag_of(Kind kind) noexcept { return tag_base + static_cast<std::uint32_t>(kind); }

void count(std::uint32_t tag, std::int64_t change) noexcept {
  counts[tag - tag_base].fetch_add(change, std::memory_order_relaxed);
  counts[DMOE_KIND_ALL].fetch_add(change, std::memory_order_relaxed);
}

}  // namespace

std::string_view type_name(Kind kind) {
  switch (kind) {
    case Kind::error:
      return "dmoe_error";
    case Kind::string:
      return "dmoe_string";
    case Kind::options:
      return "dmoe_options";
    case Kind::tensors:
      return "dmoe_tensors";
    case Kind::dataset:
      return "dmoe_dataset";
    case Kind::model:
      return "dmoe_model";
    case Kind::trainer:
      return "dmoe_trainer";
    case Kind::engine:
      return "dmoe_engine";
    case Kind::loader:
      return "dmoe_loader";
    case Kind::report:
      return "dmoe_report";
    case Kind::plugin:
      return "dmoe_plugin";
  }
  return "unknown";
}

std::int64_t live_objects(std::int32_t kind) noexcept {
  if (kind < 0 || kind > last_kind) return -1;
  return counts[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
}

Header::Header(Kind kind) noexcept : tag_(tag_of(kind)) { count(tag_of(kind), 1); }

Header::~Header() { count(tag_.exchange(dead_tag), -1); }

bool Header::is(Kind kind) const noexcept { return tag_.load(std::memory_order_relaxed) == tag_of(kind); }

void Header::expect(Kind kind, const char* parameter) const {
  if (is(kind)) return;
  const std::uint32_t tag = tag_.load(std::memory_order_relaxed);
  if (tag > tag_base && tag <= tag_base + last_kind) {
    fail(ErrorCode::invalid_argument, parameter, " is a ", type_name(static_cast<Kind>(tag - tag_base)),
         ", must be a ", type_name(kind));
  }
  fail(ErrorCode::invalid_argument, parameter, " is not a ", type_name(kind),
       "; was it released, or is it uninitialised?");
}

void require(const void* pointer, const char* parameter) {
  if (pointer == nullptr) fail(ErrorCode::invalid_argument, parameter, " must not be NULL");
}

}  // namespace deepmoe::capi
