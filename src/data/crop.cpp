#include "data/crop.hpp"

#include <algorithm>
#include <cmath>

#include "data/normalization.hpp"
#include "data/random_resized_crop.hpp"

namespace deepmoe {
namespace {

/// The size that an image is resized to before it is cropped to image_size x image_size: the shorter side
/// becomes image_size, or 256/224 of it for large images, and the longer side follows.
ImageExtent resized_extent(ImageExtent image, std::int64_t image_size) {
  if (image.height == image_size && image.width == image_size) return image;
  const std::int64_t shorter = image_size > kSmallImageSize
                                   ? std::lround(static_cast<double>(image_size) * 256.0 / 224.0)
                                   : image_size;
  if (image.height <= image.width) return {shorter, shorter * image.width / image.height};
  return {shorter * image.height / image.width, shorter};
}

/// Where the crop begins in the resized image; negative inside the padding.
struct Offset {
  std::int64_t top, left;
};

Offset crop_offset(const Transform& transform, ImageExtent resized, RandomStream& random) {
  const std::int64_t spare_rows = resized.height - transform.image_size;
  const std::int64_t spare_columns = resized.width - transform.image_size;
  const std::int64_t padding = transform.crop_padding;
  if (padding == 0) {
    return {static_cast<std::int64_t>(std::nearbyint(static_cast<double>(spare_rows) / 2.0)),
            static_cast<std::int64_t>(std::nearbyint(static_cast<double>(spare_columns) / 2.0))};
  }
  const auto draw = [&](std::int64_t spare) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spare + 2 * padding + 1))) -
           padding;
  };
  const std::int64_t top = draw(spare_rows);
  return {top, draw(spare_columns)};
}

/// The pixels of a side that go into `length` pixels from `begin` on, each made of `scale` pixels: with those
/// that the filter of a resize reaches, and at least one.
struct Reach {
  std::int64_t first, count;
};

Reach reach(double begin, double length, double scale, std::int64_t side) {
  const double margin = scale == 1.0 ? 0.0 : std::max(scale, 1.0) + 1.0;
  const auto first = static_cast<std::int64_t>(std::floor(begin - margin));
  const auto end = static_cast<std::int64_t>(std::ceil(begin + length + margin));
  const std::int64_t kept = std::clamp<std::int64_t>(first, 0, side - 1);
  return {kept, std::clamp<std::int64_t>(end - kept, 1, side - kept)};
}

/// A window of the resized image, or of the padding around it.
Crop window_crop(const Transform& transform, ImageExtent image, RandomStream& random) {
  const std::int64_t size = transform.image_size;
  const ImageExtent resized = resized_extent(image, size);
  const Offset offset = crop_offset(transform, resized, random);

  Crop crop;
  crop.target.top = std::clamp<std::int64_t>(-offset.top, 0, size);
  crop.target.left = std::clamp<std::int64_t>(-offset.left, 0, size);
  const std::int64_t top = std::max<std::int64_t>(offset.top, 0),
                     left = std::max<std::int64_t>(offset.left, 0);
  crop.target.height = std::max<std::int64_t>(0, std::min(size - crop.target.top, resized.height - top));
  crop.target.width = std::max<std::int64_t>(0, std::min(size - crop.target.left, resized.width - left));

  const double row_scale = static_cast<double>(image.height) / static_cast<double>(resized.height);
  const double column_scale = static_cast<double>(image.width) / static_cast<double>(resized.width);
  crop.area = {static_cast<double>(top) * row_scale, static_cast<double>(left) * column_scale,
               static_cast<double>(crop.target.height) * row_scale,
               static_cast<double>(crop.target.width) * column_scale};
  const Reach rows = reach(crop.area.top, crop.area.height, row_scale, image.height);
  const Reach columns = reach(crop.area.left, crop.area.width, column_scale, image.width);
  crop.request = {{rows.first, columns.first, rows.count, columns.count}, std::min(row_scale, column_scale)};
  return crop;
}

/// A random rectangle, brought to the whole square. No pixel beyond it is looked at.
Crop resized_crop(const Transform& transform, ImageExtent image, RandomStream& random) {
  const std::int64_t size = transform.image_size;
  const Rectangle pixels = random_resized_crop(image, random);
  const double shorter = static_cast<double>(std::min(pixels.height, pixels.width));
  return {{static_cast<double>(pixels.top), static_cast<double>(pixels.left),
           static_cast<double>(pixels.height), static_cast<double>(pixels.width)},
          {0, 0, size, size},
          {pixels, shorter / static_cast<double>(size)}};
}

}  // namespace

Crop choose_crop(const Transform& transform, ImageExtent image, RandomStream& random) {
  return transform.random_resized_crop ? resized_crop(transform, image, random)
                                       : window_crop(transform, image, random);
}

}  // namespace deepmoe
