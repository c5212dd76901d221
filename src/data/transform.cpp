#include <algorithm>

#include "base/base.hpp"
#include "data/byte_image.hpp"
#include "data/color.hpp"
#include "data/crop.hpp"
#include "data/data.hpp"
#include "data/image_file.hpp"
#include "data/random.hpp"
#include "data/random_augment.hpp"
#include "data/random_erasing.hpp"
#include "data/resize.hpp"

namespace deepmoe {
namespace {

template <class Pixel>
void convert_row(const Pixel* source, std::int64_t stride, std::int64_t count, float scale, float bias,
                 float* output) {
  if (stride == 1) {
    for (std::int64_t x = 0; x < count; ++x) output[x] = static_cast<float>(source[x]) * scale + bias;
  } else {
    for (std::int64_t x = 0; x < count; ++x)
      output[x] = static_cast<float>(source[x * stride]) * scale + bias;
  }
}

/// Pixels that need no resizing, mapped and mirrored on demand.
template <class Pixel>
void copy_pixels(const ImageView& image, const PixelMap& map, bool mirrored, const Planes& output) {
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    const auto c = static_cast<std::size_t>(channel);
    const Pixel* source = static_cast<const Pixel*>(image.data);
    if (image.channels == 3) source += channel * image.channel_stride;
    for (std::int64_t y = 0; y < image.height; ++y) {
      float* row = output.data + channel * output.plane_stride + y * output.row_stride;
      convert_row(source + y * image.row_stride, image.column_stride, image.width, map.scale[c], map.bias[c],
                  row);
      if (mirrored) std::reverse(row, row + image.width);
    }
  }
}

/// Zeros all of the square planes but `target`.
void clear_around(const Rectangle& target, std::int64_t size, float* planes) {
  if (target.height == size && target.width == size) return;
  for (std::int64_t row = 0; row < 3 * size; ++row) {
    const std::int64_t y = row % size;
    float* values = planes + row * size;
    if (y < target.top || y >= target.top + target.height) {
      std::fill_n(values, size, 0.0F);
    } else {
      std::fill_n(values, target.left, 0.0F);
      std::fill(values + target.left + target.width, values + size, 0.0F);
    }
  }
}

PixelMap pixel_map(const Normalization& normalization, PixelType type) {
  PixelMap map;
  if (type == PixelType::f32) return map;
  for (std::size_t c = 0; c < 3; ++c) {
    map.scale[c] = 1.0F / (255.0F * normalization.deviation[c]);
    map.bias[c] = -normalization.mean[c] / normalization.deviation[c];
  }
  return map;
}

/// Writes the crop's part of the image into the square planes `output`.
void place(const ImagePart& part, const Crop& crop, const Normalization& normalization, bool mirrored,
           std::int64_t size, float* output) {
  Rectangle target = crop.target;
  if (mirrored) target.left = size - target.left - target.width;
  clear_around(target, size, output);
  if (target.height == 0 || target.width == 0) return;
  const Planes planes{output + target.top * size + target.left, size * size, size};
  const PixelMap map = pixel_map(normalization, part.view.type);
  const bool resized = crop.area.height != static_cast<double>(target.height) ||
                       crop.area.width != static_cast<double>(target.width);
  if (resized) {
    const auto reduction = static_cast<double>(part.reduction);
    const Area area{crop.area.top / reduction - static_cast<double>(part.top),
                    crop.area.left / reduction - static_cast<double>(part.left), crop.area.height / reduction,
                    crop.area.width / reduction};
    resize_area(part.view, area, {target.height, target.width}, map, mirrored, planes);
  } else if (part.view.type == PixelType::u8) {
    copy_pixels<std::uint8_t>(part.view, map, mirrored, planes);
  } else {
    copy_pixels<float>(part.view, map, mirrored, planes);
  }
}

/// What is defined on bytes takes place on bytes, made of the normalised planes and turned back.
void augment_bytes(const Transform& transform, PixelType type, RandomStream& random, float* planes) {
  if (transform.random_augment == 0 && transform.color_jitter == 0) return;
  if (type != PixelType::u8) {
    fail(ErrorCode::invalid_argument,
         "random_augment and color_jitter need images of bytes, but these are floats, normalised already; "
         "hand over bytes or set both options to 0");
  }
  static thread_local ByteImage bytes;
  bytes.height = bytes.width = transform.image_size;
  bytes.pixels.resize(static_cast<std::size_t>(3 * bytes.plane_size()));
  const PixelMap map = pixel_map(transform.normalization, PixelType::u8);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    const float scale = map.scale[static_cast<std::size_t>(channel)];
    const float bias = map.bias[static_cast<std::size_t>(channel)];
    const float* plane = planes + channel * bytes.plane_size();
    std::uint8_t* byte = bytes.plane(channel);
    for (std::int64_t i = 0; i < bytes.plane_size(); ++i) {
      byte[i] = static_cast<std::uint8_t>(std::clamp((plane[i] - bias) / scale + 0.5F, 0.0F, 255.0F));
    }
  }
  random_augment(bytes, transform.random_augment, transform.random_augment_magnitude, random);
  if (transform.color_jitter > 0) jitter_colors(bytes, transform.color_jitter, random);
  const ImageView view{bytes.pixels.data(), PixelType::u8,      3,           bytes.height,
                       bytes.width,         bytes.plane_size(), bytes.width, 1};
  copy_pixels<std::uint8_t>(view, map, false, {planes, bytes.plane_size(), bytes.width});
}

void erase(const Transform& transform, RandomStream& random, float* planes) {
  if (transform.random_erasing == 0 || random.uniform() >= transform.random_erasing) return;
  const std::int64_t size = transform.image_size;
  const Rectangle erased = random_erased_rectangle({size, size}, random);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    for (std::int64_t y = erased.top; y < erased.top + erased.height; ++y) {
      std::fill_n(planes + (channel * size + y) * size + erased.left, erased.width, 0.0F);
    }
  }
}

void check_extent(ImageExtent image) {
  if (image.height < 1 || image.width < 1) {
    fail(ErrorCode::invalid_argument, "an image is ", image.height, " x ", image.width,
         ", must be at least 1 x 1");
  }
}

void check_channels(const ImageView& image) {
  if (image.channels != 1 && image.channels != 3) {
    fail(ErrorCode::invalid_argument, "an image has ", image.channels,
         " channels, must be 1 (grey) or 3 (RGB)");
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
  transform.random_resized_crop = options.boolean("random_resized_crop");
  transform.random_augment = options.integer("random_augment");
  transform.random_augment_magnitude = options.integer("random_augment_magnitude");
  transform.color_jitter = options.real("color_jitter");
  transform.random_erasing = options.real("random_erasing");
  return transform;
}

void apply_transform(const Transform& transform, const std::function<ImagePart(const ChoosePart&)>& read,
                     std::uint64_t sample_seed, float* output) {
  RandomStream random(sample_seed);
  const bool mirrored = random.uniform() < transform.flip_probability;
  Crop crop;
  const ImagePart part = read([&](ImageExtent image) {
    check_extent(image);
    crop = choose_crop(transform, image, random);
    return crop.request;
  });
  check_channels(part.view);
  place(part, crop, transform.normalization, mirrored, transform.image_size, output);
  augment_bytes(transform, part.view.type, random, output);
  erase(transform, random, output);
}

void apply_transform(const Transform& transform, const ImageView& image, std::uint64_t sample_seed,
                     float* output) {
  const auto part = [&](const ChoosePart& choose) {
    return part_of(image, choose({image.height, image.width}).pixels);
  };
  apply_transform(transform, part, sample_seed, output);
}

}  // namespace deepmoe
