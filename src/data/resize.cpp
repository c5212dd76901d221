#include "data/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace deepmoe {
namespace {

/// For each output position, the input positions it reads and their weights, which add up to 1.
struct AxisWeights {
  struct Span {
    std::int64_t first, count;
    std::size_t offset;  ///< of its first weight in `weights`
  };
  std::vector<Span> spans;
  std::vector<float> weights;
  std::int64_t input_begin = 0, input_end = 0;  ///< what all spans read together

  /// For `count` positions that divide `length` input positions from `begin` on.
  void compute(double begin, double length, std::int64_t count, std::int64_t input_size) {
    spans.clear();
    weights.clear();
    input_begin = input_size;
    input_end = 0;
    const double scale = length / static_cast<double>(count);
    const double support = std::max(scale, 1.0);
    for (std::int64_t i = 0; i < count; ++i) {
      const double center = begin + (static_cast<double>(i) + 0.5) * scale;
      const std::int64_t first = std::clamp<std::int64_t>(
          static_cast<std::int64_t>(std::floor(center - support + 0.5)), 0, input_size - 1);
      const std::int64_t end = std::clamp<std::int64_t>(
          static_cast<std::int64_t>(std::floor(center + support + 0.5)), first + 1, input_size);
      add_span(first, end, center, support);
      input_begin = std::min(input_begin, first);
      input_end = std::max(input_end, end);
    }
  }

 private:
  void add_span(std::int64_t first, std::int64_t end, double center, double support) {
    const std::size_t offset = weights.size();
    double sum = 0.0;
    for (std::int64_t x = first; x < end; ++x) {
      const double weight = std::max(0.0, 1.0 - std::abs(static_cast<double>(x) + 0.5 - center) / support);
      weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    const auto factor = static_cast<float>(1.0 / sum);
    for (std::size_t k = offset; k < weights.size(); ++k) weights[k] *= factor;
    spans.push_back({first, end - first, offset});
  }
};

/// line[i] = or += weight * source[i]
template <class Pixel>
void add_row(const Pixel* source, std::int64_t count, float weight, bool first, float* line) {
  if (first) {
    for (std::int64_t i = 0; i < count; ++i) line[i] = weight * static_cast<float>(source[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) line[i] += weight * static_cast<float>(source[i]);
  }
}

/// The same from any layout, into red, green and blue by turns.
template <class Pixel>
void add_strided_row(const Pixel* source, const ImageView& image, std::int64_t count, float weight,
                     bool first, float* line) {
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    const Pixel* plane = source + (image.channels == 1 ? 0 : channel * image.channel_stride);
    for (std::int64_t x = 0; x < count; ++x) {
      const float value = weight * static_cast<float>(plane[x * image.column_stride]);
      line[3 * x + channel] = first ? value : line[3 * x + channel] + value;
    }
  }
}

/// The weighted sum of the rows of one span: the columns that will be read, with 3 floats each.
template <class Pixel>
void blend_rows(const ImageView& image, const AxisWeights& rows, const AxisWeights::Span& span,
                const AxisWeights& columns, float* line) {
  const bool interleaved = image.channels == 3 && image.channel_stride == 1 && image.column_stride == 3;
  const std::int64_t count = columns.input_end - columns.input_begin;
  for (std::int64_t k = 0; k < span.count; ++k) {
    const Pixel* source = static_cast<const Pixel*>(image.data) + (span.first + k) * image.row_stride +
                          columns.input_begin * image.column_stride;
    const float weight = rows.weights[span.offset + static_cast<std::size_t>(k)];
    if (interleaved) {
      add_row(source, 3 * count, weight, k == 0, line);
    } else {
      add_strided_row(source, image, count, weight, k == 0, line);
    }
  }
}

/// Four floats in one register: the compiler's own vectors, which every 64-bit processor has.
using Four = float __attribute__((vector_size(16)));

Four load(const float* values) {
  Four four;
  std::memcpy(&four, values, sizeof four);
  return four;
}

void store(Four four, float* values) { std::memcpy(values, &four, sizeof four); }

/// One pixel of the output, in the first three places.
Four blend_columns(const float* line, const AxisWeights& columns, const AxisWeights::Span& span) {
  const float* pixel = line + 3 * (span.first - columns.input_begin);
  const float* weight = columns.weights.data() + span.offset;
  Four sum = load(pixel) * *weight;
  for (std::int64_t k = 1; k < span.count; ++k) sum += load(pixel + 3 * k) * weight[k];
  return sum;
}

/// Four pixels become four values of each colour.
void store_four(Four a, Four b, Four c, Four d, float* red, float* green, float* blue) {
  const Four ac_low = __builtin_shufflevector(a, c, 0, 4, 1, 5);
  const Four bd_low = __builtin_shufflevector(b, d, 0, 4, 1, 5);
  const Four ac_high = __builtin_shufflevector(a, c, 2, 6, 3, 7);
  const Four bd_high = __builtin_shufflevector(b, d, 2, 6, 3, 7);
  store(__builtin_shufflevector(ac_low, bd_low, 0, 4, 1, 5), red);
  store(__builtin_shufflevector(ac_low, bd_low, 2, 6, 3, 7), green);
  store(__builtin_shufflevector(ac_high, bd_high, 0, 4, 1, 5), blue);
}

void write_row(const float* line, const AxisWeights& columns, Four scale, Four bias, bool mirrored,
               float* red, float* green, float* blue) {
  const auto width = static_cast<std::int64_t>(columns.spans.size());
  const auto pixel = [&](std::int64_t x) {
    const std::int64_t source = mirrored ? width - 1 - x : x;
    return blend_columns(line, columns, columns.spans[static_cast<std::size_t>(source)]) * scale + bias;
  };
  std::int64_t x = 0;
  for (; x + 4 <= width; x += 4) {
    store_four(pixel(x), pixel(x + 1), pixel(x + 2), pixel(x + 3), red + x, green + x, blue + x);
  }
  for (; x < width; ++x) {
    const Four value = pixel(x);
    red[x] = value[0];
    green[x] = value[1];
    blue[x] = value[2];
  }
}

}  // namespace

void resize_area(const ImageView& image, const Area& area, ImageExtent extent, const PixelMap& map,
                 bool mirrored, const Planes& output) {
  // Kept from call to call: a worker resizes thousands of images of similar size.
  static thread_local AxisWeights rows, columns;
  static thread_local std::vector<float> line;
  rows.compute(area.top, area.height, extent.height, image.height);
  columns.compute(area.left, area.width, extent.width, image.width);
  // The last pixel's load reads one float more.
  line.resize(static_cast<std::size_t>(3 * (columns.input_end - columns.input_begin) + 1));

  const Four scale{map.scale[0], map.scale[1], map.scale[2], 0.0F};
  const Four bias{map.bias[0], map.bias[1], map.bias[2], 0.0F};
  for (std::int64_t y = 0; y < extent.height; ++y) {
    const AxisWeights::Span& span = rows.spans[static_cast<std::size_t>(y)];
    if (image.type == PixelType::u8) {
      blend_rows<std::uint8_t>(image, rows, span, columns, line.data());
    } else {
      blend_rows<float>(image, rows, span, columns, line.data());
    }
    float* row = output.data + y * output.row_stride;
    write_row(line.data(), columns, scale, bias, mirrored, row, row + output.plane_stride,
              row + 2 * output.plane_stride);
  }
}

}  // namespace deepmoe
