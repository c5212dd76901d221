#include "data/tone.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

namespace deepmoe {
namespace {

using Table = std::array<std::uint8_t, 256>;

void map_values(std::span<std::uint8_t> values, const Table& table) {
  for (std::uint8_t& value : values) value = table[value];
}

std::span<std::uint8_t> plane_of(ByteImage& image, std::int64_t channel) {
  return {image.plane(channel), static_cast<std::size_t>(image.plane_size())};
}

void equalize_plane(std::span<std::uint8_t> values) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint8_t value : values) ++counts[value];
  const auto highest = std::find_if(counts.rbegin(), counts.rend(), [](std::int64_t n) { return n > 0; });
  const std::int64_t step = (static_cast<std::int64_t>(values.size()) - *highest) / 255;
  if (step == 0) return;
  Table table{};
  std::int64_t below = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<std::uint8_t>(std::min<std::int64_t>(255, (below + step / 2) / step));
    below += counts[i];
  }
  map_values(values, table);
}

}  // namespace

void posterize(ByteImage& image, int bits) {
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - bits));
  for (std::uint8_t& value : image.pixels) value &= mask;
}

void solarize(ByteImage& image, double threshold) {
  Table table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<std::uint8_t>(static_cast<double>(i) < threshold ? i : 255 - i);
  }
  map_values(image.pixels, table);
}

void stretch_contrast(ByteImage& image) {
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    const std::span<std::uint8_t> values = plane_of(image, channel);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (*low == *high) continue;
    const auto lowest = static_cast<float>(*low);
    const float scale = 255.0F / (static_cast<float>(*high) - lowest);
    Table table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
      table[i] =
          static_cast<std::uint8_t>(std::clamp((static_cast<float>(i) - lowest) * scale, 0.0F, 255.0F));
    }
    map_values(values, table);
  }
}

void equalize(ByteImage& image) {
  for (std::int64_t channel = 0; channel < 3; ++channel) equalize_plane(plane_of(image, channel));
}

}  // namespace deepmoe
