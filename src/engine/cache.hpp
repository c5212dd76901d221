#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace deepmoe {

/// Bytes of a processor's second cache; where the system doesn't say, those of common processors.
inline std::size_t second_cache_bytes() {
  constexpr long usual = 512L * 1024, largest = 2048L * 1024;
#ifdef _SC_LEVEL2_CACHE_SIZE
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  // Some systems count what several processors share.
  if (bytes > 0) return static_cast<std::size_t>(std::clamp(bytes, usual / 2, largest));
#endif
  return static_cast<std::size_t>(usual);
}

/// Asks for the line at `address`, for reading, into the second cache.
inline void prefetch(const void* address) {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(address, 0, 2);
#else
  (void)address;
#endif
}

}  // namespace deepmoe
