#include "data/image_file.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

#include "base/base.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

enum class ImageFormat { jpeg, png };

ImageFormat detect_format(std::span<const std::byte> bytes, const std::string& name) {
  constexpr std::string_view jpeg_start = "\xFF\xD8\xFF", png_start = "\x89PNG\r\n\x1A\n";
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), 8));
  if (head.starts_with(jpeg_start)) return ImageFormat::jpeg;
  if (head.starts_with(png_start)) return ImageFormat::png;
  fail(ErrorCode::format, name, bytes.empty() ? ": is empty" : ": is neither a JPEG nor a PNG image");
}

ImageExtent extent_of(std::span<const std::byte> bytes, const std::string& name) {
  return detect_format(bytes, name) == ImageFormat::jpeg ? jpeg_extent(bytes, name) : png_extent(bytes, name);
}

/// The first bytes of a file, in which nearly every header ends.
std::string read_head(const std::string& path, std::size_t most) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::string head;
  if (file) {
    // What is read is large already: a second buffer would only cost time.
    std::setvbuf(file.get(), nullptr, _IONBF, 0);
    head.resize(most);
    head.resize(std::fread(head.data(), 1, most, file.get()));
  }
  return head;
}

}  // namespace

void check_extent(ImageExtent extent, const std::string& name) {
  if (extent.height < 1 || extent.width < 1 || extent.height > kMostPixels / extent.width) {
    fail(ErrorCode::format, name, ": states a size of ", extent.width, " x ", extent.height,
         " pixels, which is outside 1 to ", kMostPixels, " pixels in all");
  }
}

ImageView rgb_view(ImageExtent extent, const std::string& name, std::vector<std::byte>& scratch) {
  check_extent(extent, name);
  scratch.resize(static_cast<std::size_t>(3 * extent.height * extent.width));
  return {scratch.data(), PixelType::u8, 3, extent.height, extent.width, 1, 3 * extent.width, 3};
}

ImageExtent image_file_extent(const std::string& path) {
  constexpr std::size_t head_bytes = 4096;
  const std::string head = read_head(path, head_bytes);
  if (head.size() == head_bytes) {
    try {
      return extent_of(std::as_bytes(std::span(head)), path);
    } catch (const Error&) {
      // The header may end behind a long comment or colour profile.
    }
  }
  const std::string whole = read_file(path);
  return extent_of(std::as_bytes(std::span(whole)), path);
}

ImagePart decode_image_part(const std::string& path, const ChoosePart& choose,
                            std::vector<std::byte>& scratch) {
  const std::string content = read_file(path);
  const std::span<const std::byte> bytes = std::as_bytes(std::span(content));
  if (detect_format(bytes, path) == ImageFormat::jpeg) return decode_jpeg(bytes, path, choose, scratch);
  const ImageView image = decode_png(bytes, path, scratch);
  return part_of(image, choose({image.height, image.width}).pixels);
}

ImageView decode_image_file(const std::string& path, std::vector<std::byte>& scratch) {
  return decode_image_part(path, whole_image, scratch).view;
}

}  // namespace deepmoe
