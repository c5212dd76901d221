#pragma once

#include <cstddef>
#include <cstdio>
// These headers need cstdio before them.
#include <jpeglib.h>
#include <png.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace deepmoe {

/// Pixels in rows, `channels` bytes each.
struct TestImage {
  int height, width, channels;
  std::vector<std::uint8_t> pixels;

  TestImage(int height_, int width_, int channels_)
      : height(height_),
        width(width_),
        channels(channels_),
        pixels(static_cast<std::size_t>(height_ * width_ * channels_)) {}

  std::uint8_t& at(int y, int x, int c) {
    return pixels[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
  std::uint8_t at(int y, int x, int c) const {
    return pixels[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
};

/// Slow gradients, which JPEG keeps nearly unchanged; each channel its own.
inline TestImage smooth_image(int height, int width, int channels) {
  TestImage image(height, width, channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int value = 40 + 60 * c / channels + 120 * (c % 2 == 0 ? x : y) / (c % 2 == 0 ? width : height);
        image.at(y, x, c) = static_cast<std::uint8_t>(value);
      }
    }
  }
  return image;
}

/// `stored` is how the file keeps the colours that `image` gives in `given`; `horizontal` x `vertical` pixels
/// share one value of chroma.
inline std::string encode_jpeg(const TestImage& image, J_COLOR_SPACE given, J_COLOR_SPACE stored,
                               bool progressive = false, int horizontal = 1, int vertical = 1) {
  jpeg_compress_struct encoder;
  jpeg_error_mgr errors;
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &memory, &size);
  encoder.image_width = static_cast<JDIMENSION>(image.width);
  encoder.image_height = static_cast<JDIMENSION>(image.height);
  encoder.input_components = image.channels;
  encoder.in_color_space = given;
  jpeg_set_defaults(&encoder);
  jpeg_set_colorspace(&encoder, stored);
  jpeg_set_quality(&encoder, 100, TRUE);
  for (int c = 0; c < encoder.num_components; ++c) {
    encoder.comp_info[c].h_samp_factor = c == 0 ? horizontal : 1;
    encoder.comp_info[c].v_samp_factor = c == 0 ? vertical : 1;
  }
  if (progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < encoder.image_height) {
    auto* row = const_cast<JSAMPROW>(
        image.pixels.data() + encoder.next_scanline * static_cast<std::size_t>(image.width * image.channels));
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  std::string bytes(reinterpret_cast<char*>(memory), size);
  jpeg_destroy_compress(&encoder);
  std::free(memory);
  return bytes;
}

inline std::string encode_jpeg(const TestImage& image) {
  return image.channels == 1 ? encode_jpeg(image, JCS_GRAYSCALE, JCS_GRAYSCALE)
                             : encode_jpeg(image, JCS_RGB, JCS_YCbCr);
}

/// Rows are handed to libpng as they are in `image`; `prepare` may add chunks to the header.
inline std::string encode_png(const TestImage& image, int colour_type, int bit_depth = 8,
                              bool interlaced = false,
                              const std::function<void(png_structp, png_infop)>& prepare = {}) {
  std::string bytes;
  png_structp encoder = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(encoder);
  png_set_write_fn(
      encoder, &bytes,
      [](png_structp png, png_bytep data, png_size_t count) {
        static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(data), count);
      },
      [](png_structp) {});
  const int row_bytes = image.width * image.channels;
  const int samples = colour_type == PNG_COLOR_TYPE_RGB ? 3 : colour_type == PNG_COLOR_TYPE_RGB_ALPHA ? 4 : 1;
  const int width = row_bytes * 8 / bit_depth / samples;
  png_set_IHDR(encoder, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(image.height),
               bit_depth, colour_type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (prepare) prepare(encoder, info);
  png_write_info(encoder, info);
  std::vector<png_bytep> rows;
  for (int y = 0; y < image.height; ++y) {
    rows.push_back(const_cast<png_bytep>(image.pixels.data() + static_cast<std::size_t>(y * row_bytes)));
  }
  png_write_image(encoder, rows.data());
  png_write_end(encoder, info);
  png_destroy_write_struct(&encoder, &info);
  return bytes;
}

inline std::string encode_png(const TestImage& image) {
  return encode_png(image, image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB);
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace deepmoe
