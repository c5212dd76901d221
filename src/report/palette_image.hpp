#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deepmoe {

/// Steps from nothing to everything in an image of shares.
inline constexpr int image_levels = 64;

/// A PNG image of shares: one colour throughout, as opaque as the share is large, so that it suits light and
/// dark pages alike. `levels` holds height x width numbers in 0..image_levels-1. Errors: internal when libpng
/// fails.
std::vector<std::uint8_t> palette_image(const std::vector<std::uint8_t>& levels, std::int64_t height,
                                        std::int64_t width);

/// RFC 4648, with padding.
std::string base64(const std::vector<std::uint8_t>& bytes);

}  // namespace deepmoe
