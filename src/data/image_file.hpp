#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/data.hpp"

namespace deepmoe {

/// Images with more pixels are refused: they are mistakes or attacks.
inline constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

/// The size that the file's header states, without decoding its pixels. Errors as decode_image_file.
ImageExtent image_file_extent(const std::string& path);

// The formats. `bytes` is a whole file, or for an extent at least its head; `name` is for messages.
ImageExtent jpeg_extent(std::span<const std::byte> bytes, const std::string& name);
ImageExtent png_extent(std::span<const std::byte> bytes, const std::string& name);
ImagePart decode_jpeg(std::span<const std::byte> bytes, const std::string& name, const ChoosePart& choose,
                      std::vector<std::byte>& scratch);
ImageView decode_png(std::span<const std::byte> bytes, const std::string& name,
                     std::vector<std::byte>& scratch);

/// Refuses empty and huge images.
void check_extent(ImageExtent extent, const std::string& name);

/// Makes room for interleaved RGB and returns the view of it; refuses what check_extent does.
ImageView rgb_view(ImageExtent extent, const std::string& name, std::vector<std::byte>& scratch);

/// The pixels `pixels` of an image, without a copy.
ImagePart part_of(const ImageView& image, const Rectangle& pixels);

/// Asks for every pixel.
PartRequest whole_image(ImageExtent extent);

}  // namespace deepmoe
