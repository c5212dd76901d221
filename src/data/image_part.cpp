#include "base/base.hpp"
#include "data/image_file.hpp"

namespace deepmoe {

PartRequest whole_image(ImageExtent extent) { return {{0, 0, extent.height, extent.width}, 1.0}; }

ImagePart part_of(const ImageView& image, const Rectangle& pixels) {
  ImageView view = image;
  view.height = pixels.height;
  view.width = pixels.width;
  const std::int64_t skipped = pixels.top * image.row_stride + pixels.left * image.column_stride;
  const std::int64_t pixel_bytes = image.type == PixelType::u8 ? sizeof(std::uint8_t) : sizeof(float);
  view.data = static_cast<const std::byte*>(image.data) + skipped * pixel_bytes;
  return {view, pixels.top, pixels.left, 1};
}

ImagePart Dataset::image_part(std::int64_t index, const ChoosePart& choose,
                              std::vector<std::byte>& scratch) const {
  const ImageView whole = image(index, scratch);
  return part_of(whole, choose({whole.height, whole.width}).pixels);
}

}  // namespace deepmoe
