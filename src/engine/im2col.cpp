#include "engine/im2col.hpp"

#include <algorithm>
#include <cstring>

#include "engine/aligned_buffer.hpp"

namespace deepmoe {
namespace {

/// Laid-out inputs that are kept while all outputs are computed from them; half of a usual L2 cache.
constexpr std::size_t values_limit = std::size_t{192} * 1024 / sizeof(float);

/// Places `first .. first + count - 1` of a kernel along one axis: those that meet the input anywhere.
struct Places {
  std::int32_t first, count;
};
Places useful_places(std::int32_t extent, std::int32_t outputs, const Geometry& geometry) {
  const std::int32_t first = std::max(0, geometry.padding - (outputs - 1) * geometry.stride);
  const std::int32_t last = std::min(geometry.kernel - 1, extent - 1 + geometry.padding);
  if (last < first) return {0, geometry.kernel};
  return {first, last - first + 1};
}

template <std::size_t count>
void copy_each(const float* from, const std::vector<std::size_t>& offsets, float* to, std::size_t step) {
  for (const std::size_t offset : offsets) {
    std::memcpy(to, from + offset, count * sizeof(float));
    to += step;
  }
}

/// Copies `count` floats at each of the offsets to places `step` floats apart. A copy of one of the usual
/// lengths is a few moves; a call for each of them would take longer than the products of a small layer.
void copy_each(const float* from, const std::vector<std::size_t>& offsets, float* to, std::size_t step,
               std::size_t count) {
  switch (count) {
    case 4:
      return copy_each<4>(from, offsets, to, step);
    case 8:
      return copy_each<8>(from, offsets, to, step);
    case 16:
      return copy_each<16>(from, offsets, to, step);
    case 32:
      return copy_each<32>(from, offsets, to, step);
    default:
      for (const std::size_t offset : offsets) {
        std::memcpy(to, from + offset, count * sizeof(float));
        to += step;
      }
  }
}

}  // namespace

Im2col::Im2col(const Kernels& kernels, const Geometry& geometry, std::span<const float> constants)
    : kernels_(kernels),
      geometry_(geometry),
      constants_(constants.begin(), constants.end()),
      lanes_(static_cast<std::size_t>(kernels.lanes)),
      taps_(useful_taps(geometry)) {
  flat_ = geometry.kernel == 1 && geometry.stride == 1 && geometry.padding == 0;
  height_ = flat_ ? 1 : geometry.out_height();
  width_ = flat_ ? static_cast<std::int32_t>(geometry.out_plane()) : geometry.out_width();
  const auto stride = static_cast<std::size_t>(geometry.stride);
  // Rows that no tap reads are left out where that is simple.
  const bool leaves_rows_out = geometry.kernel == 1 && geometry.padding == 0;
  row_step_ = leaves_rows_out ? 1 : stride;
  input_step_ = leaves_rows_out ? stride : 1;
  phase_stride_ = static_cast<std::size_t>(
      (geometry.width + 2 * geometry.padding + geometry.stride - 1) / geometry.stride + 1);
  plan_pieces();
  for (const Tap& tap : taps_) {
    const auto row = static_cast<std::size_t>(tap.row), column = static_cast<std::size_t>(tap.column);
    tap_offsets_.push_back(column % stride * phase_floats() + row * phase_stride_ + column / stride);
  }
}

std::vector<Im2col::Tap> Im2col::useful_taps(const Geometry& geometry) {
  const Places rows = useful_places(geometry.height, geometry.out_height(), geometry);
  const Places columns = useful_places(geometry.width, geometry.out_width(), geometry);
  std::vector<Tap> taps;
  for (std::int32_t tap = 0; tap < rows.count * columns.count; ++tap)
    taps.push_back({rows.first + tap / columns.count, columns.first + tap % columns.count});
  return taps;
}

std::size_t Im2col::most_channels() const {
  return static_cast<std::size_t>(geometry_.inputs) + (constants_.empty() ? 0 : 1);
}

void Im2col::plan_pieces() {
  const std::size_t of_pixel = most_channels() * taps_.size();
  const std::size_t fitting =
      std::max<std::size_t>(1, values_limit / (of_pixel * block_pixels())) * block_pixels();
  const auto width = static_cast<std::size_t>(width_);
  const std::size_t all = static_cast<std::size_t>(height_) * width;
  // Whole rows, but for planes that are one row, or where they would leave vectors empty.
  const std::size_t whole_rows = std::max<std::size_t>(1, fitting / width) * width;
  const auto vectors = [&](std::size_t pixels) { return (pixels + lanes_ - 1) / lanes_; };
  const std::size_t of_whole_rows = all / whole_rows * vectors(whole_rows) + vectors(all % whole_rows);
  const bool fills_vectors = of_whole_rows * 100 <= vectors(all) * 103;
  const std::size_t pixels_at_a_time = flat_ || !fills_vectors ? fitting : whole_rows;
  for (std::size_t first = 0; first < all; first += pixels_at_a_time) {
    Piece piece;
    piece.first_pixel = static_cast<std::int32_t>(first);
    piece.pixels = static_cast<std::int32_t>(std::min(pixels_at_a_time, all - first));
    piece.first_row = piece.first_pixel / width_;
    piece.rows = (piece.first_pixel + piece.pixels - 1) / width_ - piece.first_row + 1;
    most_rows_ = std::max(most_rows_, piece.rows);
    most_pixels_ = std::max(most_pixels_, static_cast<std::size_t>(piece.pixels));
    add_stretches(piece);
    pieces_.push_back(std::move(piece));
  }
}

void Im2col::add_stretches(Piece& piece) const {
  const auto block = static_cast<std::int32_t>(block_pixels());
  for (std::int32_t pixel = 0; pixel < piece.pixels;) {
    const std::int32_t at = piece.first_pixel + pixel;
    const std::int32_t count = std::min({width_ - at % width_, block - pixel % block, piece.pixels - pixel});
    const auto row = static_cast<std::size_t>(at / width_ - piece.first_row);
    Stretch stretch{.from = row * row_step_ * phase_stride_ + static_cast<std::size_t>(at % width_),
                    .count = static_cast<std::size_t>(count),
                    .block = static_cast<std::size_t>(pixel / block),
                    .place = static_cast<std::size_t>(pixel % block),
                    .width = 0};
    if (flat_) stretch.from = static_cast<std::size_t>(at);
    stretch.width = vectors_of(piece, stretch.block) * lanes_;
    piece.stretches.push_back(stretch);
    pixel += count;
  }
}

std::size_t Im2col::vectors_of(const Piece& piece, std::size_t block) const {
  const std::size_t left = static_cast<std::size_t>(piece.pixels) - block * block_pixels();
  return std::min<std::size_t>(product_columns, (left + lanes_ - 1) / lanes_);
}

std::size_t Im2col::values_floats() const {
  return whole_lines((most_pixels_ + block_pixels()) * most_channels() * taps_.size()) + floats_of_line;
}

std::size_t Im2col::phase_floats() const {
  const std::size_t rows = static_cast<std::size_t>(most_rows_ - 1) * row_step_;
  return flat_ ? 0 : (rows + static_cast<std::size_t>(geometry_.kernel)) * phase_stride_;
}

std::size_t Im2col::phases_floats() const {
  return whole_lines(phase_floats() * static_cast<std::size_t>(geometry_.stride));
}

void Im2col::lay_out(const SampleInput& input, const Piece& piece, std::int32_t first, std::int32_t last,
                     float* phases, float* values) const {
  const std::size_t block_floats =
      block_pixels() * static_cast<std::size_t>(channels_of(input)) * taps_.size();
  if (!flat_) std::memset(phases, 0, phases_floats() * sizeof(float));
  for (std::int32_t i = first; i < last; ++i) {
    const bool is_one = i == input.count;
    const auto channel = static_cast<std::size_t>(is_one ? 0 : channel_at(input.channels, i));
    const float* plane = is_one ? nullptr : input.planes + channel * geometry_.in_plane();
    const float shift = constants_.empty() ? 0.0F : constants_[channel];
    const float scale = input.scales != nullptr && !is_one ? input.scales[i] : 1.0F;
    const std::size_t before = static_cast<std::size_t>(i) * taps_.size();
    if (!flat_) fill_phases(plane, piece, shift, scale, phases);
    for (const Stretch& stretch : piece.stretches) {
      float* to = values + stretch.block * block_floats + before * stretch.width + stretch.place;
      if (!flat_) {
        copy_each(phases + stretch.from, tap_offsets_, to, stretch.width, stretch.count);
      } else if (plane != nullptr) {
        kernels_.copy_rows(plane + stretch.from, 0, 1, stretch.count, shift, scale, to, 0);
      } else {
        std::fill_n(to, stretch.count, 1.0F);
      }
    }
  }
}

/// The padded rows that a piece reads, columns apart by their remainder modulo the stride. The border is zero
/// already. A null plane is one everywhere.
void Im2col::fill_phases(const float* plane, const Piece& piece, float shift, float scale,
                         float* phases) const {
  const auto stride = static_cast<std::size_t>(geometry_.stride),
             padding = static_cast<std::size_t>(geometry_.padding);
  const auto height = static_cast<std::size_t>(geometry_.height),
             width = static_cast<std::size_t>(geometry_.width);
  const std::size_t top = static_cast<std::size_t>(piece.first_row) * stride;
  const std::size_t bottom =
      top + static_cast<std::size_t>(piece.rows - 1) * stride + static_cast<std::size_t>(geometry_.kernel);
  const std::size_t from = std::max(top, padding), to = std::min(bottom, padding + height);
  if (from >= to) return;
  const std::size_t rows = (to - from + input_step_ - 1) / input_step_;
  float* first = phases + (from - top) * phase_stride_;
  const float* in = plane != nullptr ? plane + (from - padding) * width : nullptr;
  if (in != nullptr && stride == 1) {
    kernels_.copy_rows(in, width, rows, width, shift, scale, first + padding, phase_stride_);
  } else if (in != nullptr && stride == 2) {
    // Padded column padding + x has remainder (padding + x) % 2.
    float* even = first + padding % 2 * phase_floats() + padding / 2;
    float* odd = first + (padding + 1) % 2 * phase_floats() + (padding + 1) / 2;
    kernels_.split_rows(in, input_step_ * width, rows, width, shift, scale, even, odd, phase_stride_);
  } else {
    for (std::size_t y = 0; y < rows; ++y) {
      for (std::size_t x = 0; x < width; ++x) {
        const std::size_t column = padding + x;
        first[column % stride * phase_floats() + y * phase_stride_ + column / stride] =
            in != nullptr ? (in[y * input_step_ * width + x] - shift) * scale : 1.0F;
      }
    }
  }
}

}  // namespace deepmoe
