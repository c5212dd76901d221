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

inline constexpr std::size_t cache_line_bytes = 64;

/// Samples that use a kernel, in the mean, up to which a product asks for the kernels of the next one.
inline constexpr double most_uses_to_ask_ahead = 1.5;

/// Asks for the lines from `address` on, for reading, into the second cache.
inline void prefetch(const void* address, std::size_t bytes) {
#if defined(__GNUC__) || defined(__clang__)
  const auto* from = static_cast<const char*>(address);
  for (std::size_t at = 0; at < bytes; at += cache_line_bytes) __builtin_prefetch(from + at, 0, 2);
#else
  (void)address;
  (void)bytes;
#endif
}

/// Reads a number of each line, in order, which brings memory nearer faster than asking for its lines does.
inline void read_into_cache(const void* address, std::size_t bytes) {
  const auto* from = static_cast<const volatile char*>(address);
  for (std::size_t at = 0; at < bytes; at += cache_line_bytes) (void)from[at];
}

}  // namespace deepmoe
