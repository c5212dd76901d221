#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>

namespace deepmoe {

// Bounds on what an architecture may say. They are far above any real network and keep every count of shapes,
// parameters and MACs within 64 bits or detectably outside.
inline constexpr std::int64_t largest_node_count = 100'000;
inline constexpr std::int64_t largest_channels = 1'000'000;
inline constexpr std::int64_t largest_kernel = 4096;      ///< also of strides, paddings and pooled sizes
inline constexpr std::int64_t largest_plane = 1'000'000;  ///< height or width of any image
inline constexpr std::int64_t largest_vector = std::int64_t{1} << 31;
inline constexpr std::int64_t largest_tensor = std::int64_t{1} << 40;  ///< elements of one parameter
inline constexpr std::size_t largest_name = 256;

/// The product of non-negative numbers, or nothing when it does not fit.
inline std::optional<std::int64_t> checked_product(std::initializer_list<std::int64_t> factors) {
  std::int64_t product = 1;
  for (const std::int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
  }
  return product;
}

}  // namespace deepmoe
