#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/base.hpp"
#include "data/data.hpp"
#include "data/normalization.hpp"
#include "data/random.hpp"
#include "data/resize.hpp"

namespace deepmoe {
namespace {

struct Extent {
  std::int64_t height, width;
};

/// The size that an image is resized to before it is cropped to image_size x image_size: the shorter side
/// becomes image_size, or 256/224 of it for large images, and the longer side follows.
Extent resized_extent(const ImageView& image, std::int64_t image_size) {
  if (image.height == image_size && image.width == image_size) return {image_size, image_size};
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

Offset crop_offset(const Transform& transform, Extent resized, RandomStream& random) {
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

/// output = pixel * scale + bias
struct Affine {
  float scale = 1.0F, bias = 0.0F;
};

template <class Pixel>
void convert_row(const Pixel* source, std::int64_t stride, std::int64_t count, Affine affine, float* output) {
  if (stride == 1) {
    for (std::int64_t x = 0; x < count; ++x)
      output[x] = static_cast<float>(source[x]) * affine.scale + affine.bias;
  } else {
    for (std::int64_t x = 0; x < count; ++x) {
      output[x] = static_cast<float>(source[x * stride]) * affine.scale + affine.bias;
    }
  }
}

/// Writes one plane of size x size: `source` is the part of the image that is visible, at (top, left) of the
/// plane; the rest is zero.
template <class Pixel>
void write_plane(const Pixel* source, const ImageView& layout, std::int64_t top, std::int64_t left,
                 Extent visible, std::int64_t size, Affine affine, bool flip, float* output) {
  std::fill_n(output, top * size, 0.0F);
  for (std::int64_t y = 0; y < visible.height; ++y) {
    float* row = output + (top + y) * size;
    std::fill_n(row, left, 0.0F);
    convert_row(source + y * layout.row_stride, layout.column_stride, visible.width, affine, row + left);
    std::fill(row + left + visible.width, row + size, 0.0F);
    if (flip) std::reverse(row, row + size);
  }
  const std::int64_t below = top + visible.height;
  std::fill(output + below * size, output + size * size, 0.0F);
}

void check_image(const ImageView& image) {
  if (image.channels != 1 && image.channels != 3) {
    fail(ErrorCode::invalid_argument, "an image has ", image.channels,
         " channels, must be 1 (grey) or 3 (RGB)");
  }
  if (image.height < 1 || image.width < 1) {
    fail(ErrorCode::invalid_argument, "an image is ", image.height, " x ", image.width,
         ", must be at least 1 x 1");
  }
}

void check_size(std::int64_t image_size) {
  constexpr std::int64_t limit = 1 << 14;
  if (image_size < 1 || image_size > limit) {
    fail(ErrorCode::invalid_argument, "image_size is ", image_size, ", must be 1 to ", limit);
  }
}

}  // namespace

Transform evaluation_transform(const Dataset& dataset, std::int64_t image_size) {
  check_size(image_size);
  Transform transform;
  transform.image_size = image_size;
  transform.normalization = dataset.normalization();
  return transform;
}

Transform training_transform(const Dataset& dataset, std::int64_t image_size, const Options& options) {
  Transform transform = evaluation_transform(dataset, image_size);
  transform.crop_padding = options.integer("crop_padding");
  transform.flip_probability = options.real("flip");
  return transform;
}

void apply_transform(const Transform& transform, const ImageView& image, std::uint64_t sample_seed,
                     float* output) {
  check_image(image);
  RandomStream random(sample_seed);
  const bool flip = random.uniform() < transform.flip_probability;
  const std::int64_t size = transform.image_size;
  const Extent resized = resized_extent(image, size);
  const Offset offset = crop_offset(transform, resized, random);

  // The visible part of the resized image, and where it lies in the output.
  const std::int64_t top = std::clamp<std::int64_t>(-offset.top, 0, size);
  const std::int64_t left = std::clamp<std::int64_t>(-offset.left, 0, size);
  const std::int64_t source_top = std::max<std::int64_t>(offset.top, 0);
  const std::int64_t source_left = std::max<std::int64_t>(offset.left, 0);
  const Extent visible{std::max<std::int64_t>(0, std::min(size - top, resized.height - source_top)),
                       std::max<std::int64_t>(0, std::min(size - left, resized.width - source_left))};

  ImageView source = image;
  static thread_local std::vector<float> resized_pixels;
  if (resized.height != image.height || resized.width != image.width) {
    resized_pixels.resize(static_cast<std::size_t>(image.channels * visible.height * visible.width));
    if (!resized_pixels.empty()) {
      resize_window(image,
                    {resized.height, resized.width, source_top, source_left, visible.height, visible.width},
                    resized_pixels.data());
    }
    source = {resized_pixels.data(), PixelType::f32,
              image.channels,        visible.height,
              visible.width,         visible.height * visible.width,
              visible.width,         1};
  } else {
    const std::int64_t skipped = source_top * image.row_stride + source_left * image.column_stride;
    const std::int64_t pixel_bytes = image.type == PixelType::u8 ? 1 : 4;
    source.data = static_cast<const std::byte*>(image.data) + skipped * pixel_bytes;
  }

  for (std::int64_t channel = 0; channel < 3; ++channel) {
    Affine affine;
    if (image.type == PixelType::u8) {
      const auto c = static_cast<std::size_t>(channel);
      affine.scale = 1.0F / (255.0F * transform.normalization.deviation[c]);
      affine.bias = -transform.normalization.mean[c] / transform.normalization.deviation[c];
    }
    const std::int64_t start = image.channels == 1 ? 0 : channel * source.channel_stride;
    float* plane = output + channel * size * size;
    if (source.type == PixelType::u8) {
      write_plane(static_cast<const std::uint8_t*>(source.data) + start, source, top, left, visible, size,
                  affine, flip, plane);
    } else {
      write_plane(static_cast<const float*>(source.data) + start, source, top, left, visible, size, affine,
                  flip, plane);
    }
  }
}

}  // namespace deepmoe
