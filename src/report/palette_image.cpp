#include "report/palette_image.hpp"

#include <png.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/base.hpp"

namespace deepmoe {

std::vector<std::uint8_t> palette_image(const std::vector<std::uint8_t>& levels, std::int64_t height,
                                        std::int64_t width) {
  constexpr std::array<std::uint8_t, 3> colour{0x31, 0x82, 0xD8};
  std::array<std::array<std::uint8_t, 4>, image_levels> palette{};
  for (std::size_t level = 0; level < palette.size(); ++level) {
    const auto opacity =
        static_cast<std::uint8_t>((level * 255 + (image_levels - 1) / 2) / (image_levels - 1));
    palette[level] = {colour[0], colour[1], colour[2], opacity};
  }
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_RGBA_COLORMAP;
  image.colormap_entries = image_levels;
  std::vector<std::uint8_t> bytes(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, levels.data(), 0, palette.data()) == 0) {
    const std::string reason = image.message;
    png_image_free(&image);
    fail(ErrorCode::internal, "an image of ", height, " x ", width, " can't be written: ", reason);
  }
  bytes.resize(size);
  return bytes;
}

std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t rest = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = std::uint32_t{bytes[i]} << 16;
    if (rest > 1) group |= std::uint32_t{bytes[i + 1]} << 8;
    if (rest > 2) group |= bytes[i + 2];
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= rest ? digits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

}  // namespace deepmoe
