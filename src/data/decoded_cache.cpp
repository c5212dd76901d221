#include "data/decoded_cache.hpp"

#include <cstring>

namespace deepmoe {

void DecodedCache::keep(std::int64_t index, std::span<const std::byte> image) {
  if (image.size() != image_bytes_) return;
  std::atomic<State>& state = states_[static_cast<std::size_t>(index)];
  State expected = State::absent;
  if (!state.compare_exchange_strong(expected, State::being_written, std::memory_order_relaxed)) return;
  std::memcpy(place(index), image.data(), image.size());
  state.store(State::ready, std::memory_order_release);
}

}  // namespace deepmoe
