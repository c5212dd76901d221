#include "data/resize.hpp"

#include <algorithm>
#include <cmath>
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
};

AxisWeights axis_weights(std::int64_t input_size, std::int64_t resized_size, std::int64_t first,
                         std::int64_t count) {
  const double scale = static_cast<double>(input_size) / static_cast<double>(resized_size);
  const double support = std::max(scale, 1.0);
  AxisWeights axis;
  axis.spans.reserve(static_cast<std::size_t>(count));
  axis.input_begin = input_size;
  for (std::int64_t i = first; i < first + count; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const std::int64_t begin = std::max<std::int64_t>(0, static_cast<std::int64_t>(center - support + 0.5));
    const std::int64_t end = std::min(input_size, static_cast<std::int64_t>(center + support + 0.5));
    const std::size_t offset = axis.weights.size();
    double sum = 0.0;
    for (std::int64_t x = begin; x < end; ++x) {
      sum += std::max(0.0, 1.0 - std::abs((static_cast<double>(x) + 0.5 - center) / support));
    }
    for (std::int64_t x = begin; x < end; ++x) {
      const double weight = std::max(0.0, 1.0 - std::abs((static_cast<double>(x) + 0.5 - center) / support));
      axis.weights.push_back(static_cast<float>(weight / sum));
    }
    axis.spans.push_back({begin, end - begin, offset});
    axis.input_begin = std::min(axis.input_begin, begin);
    axis.input_end = std::max(axis.input_end, end);
  }
  return axis;
}

template <class Pixel>
void resize(const ImageView& image, const ResizedWindow& window, float* output) {
  const AxisWeights columns = axis_weights(image.width, window.resized_width, window.left, window.width);
  const AxisWeights rows = axis_weights(image.height, window.resized_height, window.top, window.height);
  const std::int64_t input_width = columns.input_end - columns.input_begin;
  const std::int64_t input_height = rows.input_end - rows.input_begin;

  // Kept from call to call: a worker resizes thousands of images of similar size.
  static thread_local std::vector<float> input_row, narrowed;
  input_row.resize(static_cast<std::size_t>(input_width));
  narrowed.resize(static_cast<std::size_t>(input_height * window.width));

  const Pixel* pixels = static_cast<const Pixel*>(image.data);
  for (std::int64_t channel = 0; channel < image.channels; ++channel) {
    for (std::int64_t y = 0; y < input_height; ++y) {
      const Pixel* source = pixels + channel * image.channel_stride +
                            (rows.input_begin + y) * image.row_stride +
                            columns.input_begin * image.column_stride;
      for (std::int64_t x = 0; x < input_width; ++x) {
        input_row[static_cast<std::size_t>(x)] = static_cast<float>(source[x * image.column_stride]);
      }
      float* narrow = narrowed.data() + y * window.width;
      for (const AxisWeights::Span& span : columns.spans) {
        const float* values = input_row.data() + (span.first - columns.input_begin);
        const float* weights = columns.weights.data() + span.offset;
        float sum = 0.0F;
        for (std::int64_t k = 0; k < span.count; ++k) sum += weights[k] * values[k];
        *narrow++ = sum;
      }
    }
    for (const AxisWeights::Span& span : rows.spans) {
      std::fill_n(output, window.width, 0.0F);
      for (std::int64_t k = 0; k < span.count; ++k) {
        const float weight = rows.weights[span.offset + static_cast<std::size_t>(k)];
        const float* narrow = narrowed.data() + (span.first - rows.input_begin + k) * window.width;
        for (std::int64_t x = 0; x < window.width; ++x) output[x] += weight * narrow[x];
      }
      output += window.width;
    }
  }
}

}  // namespace

void resize_window(const ImageView& image, const ResizedWindow& window, float* output) {
  if (image.type == PixelType::u8) {
    resize<std::uint8_t>(image, window, output);
  } else {
    resize<float>(image, window, output);
  }
}

}  // namespace deepmoe
