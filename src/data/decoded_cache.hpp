#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace deepmoe {

/// Memory for images of one size, each kept once it has been decoded. Any number of threads may use it;
/// memory that has not been written to costs nothing.
class DecodedCache {
 public:
  DecodedCache(std::int64_t count, std::size_t image_bytes)
      : image_bytes_(image_bytes),
        pixels_(new std::byte[static_cast<std::size_t>(count) * image_bytes]),
        states_(new std::atomic<State>[static_cast<std::size_t>(count)]()) {}

  /// The image's bytes, or nullptr when it has not been kept yet.
  const std::byte* find(std::int64_t index) const {
    const bool ready =
        states_[static_cast<std::size_t>(index)].load(std::memory_order_acquire) == State::ready;
    return ready ? place(index) : nullptr;
  }

  /// Keeps a copy, unless another thread is doing so.
  void keep(std::int64_t index, std::span<const std::byte> image);

 private:
  enum class State : std::uint8_t { absent, being_written, ready };

  std::byte* place(std::int64_t index) const {
    return pixels_.get() + static_cast<std::size_t>(index) * image_bytes_;
  }

  std::size_t image_bytes_;
  std::unique_ptr<std::byte[]> pixels_;
  std::unique_ptr<std::atomic<State>[]> states_;
};

}  // namespace deepmoe
