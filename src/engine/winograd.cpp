// 3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3): 16 products for 4 pixels instead of 36 (Lavin and
// Gray, CVPR 2016). A tile's 16 transform points fill whole vectors, so that one kernel is 16 numbers in a
// row, and leaving out a channel, read or written, is leaving out a row: no channel needs another beside it.

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/convolution_kernel.hpp"

namespace deepmoe {
namespace {

constexpr int group_tiles = product_columns;
constexpr std::size_t floats_of_line = 16;
/// Transformed inputs that are kept while all outputs are computed from them; half of a usual L2 cache.
constexpr std::size_t values_limit = std::size_t{192} * 1024 / sizeof(float);
/// The same where kernels are the larger part and are better read once for several samples.
constexpr std::size_t shared_values_limit = std::size_t{1536} * 1024 / sizeof(float);
/// Kernels that stay in the cache while samples pass by.
constexpr std::size_t kernels_limit = std::size_t{192} * 1024;

/// Up to four tiles of one sample's plane.
struct Group {
  std::int32_t first_tile = 0, tiles = 0, segment_count = 0;
  std::array<TileSegment, group_tiles> segments;
};

/// Groups of one sample, or one group made of several samples' tiles.
struct Item {
  std::int32_t sample = 0, samples = 1;
  std::int32_t first_group = 0, groups = 1;
  float* values = nullptr;  ///< packed (group, part of a tile, channel, tile, lanes)
};

void transform_kernel(const float* kernel, float* points) {
  float rows[4][3];
  for (int c = 0; c < 3; ++c) {
    const float top = kernel[c], middle = kernel[3 + c], bottom = kernel[6 + c];
    rows[0][c] = top;
    rows[1][c] = 0.5F * (top + middle + bottom);
    rows[2][c] = 0.5F * (top - middle + bottom);
    rows[3][c] = bottom;
  }
  for (int r = 0; r < 4; ++r) {
    const float left = rows[r][0], middle = rows[r][1], right = rows[r][2];
    points[4 * r] = left;
    points[4 * r + 1] = 0.5F * (left + middle + right);
    points[4 * r + 2] = 0.5F * (left - middle + right);
    points[4 * r + 3] = right;
  }
}

class WinogradConvolution : public ConvolutionKernel {
 public:
  WinogradConvolution(const Kernels& kernels, const Geometry& geometry, const float* weight,
                      const float* constants)
      : kernels_(kernels),
        geometry_(geometry),
        lanes_(static_cast<std::size_t>(kernels.lanes)),
        parts_(tile_points / lanes_),
        tile_columns_((geometry.out_width() + 1) / 2),
        tiles_(tile_columns_ * ((geometry.out_height() + 1) / 2)),
        stride_(static_cast<std::size_t>(2 * tile_columns_ + 2)),
        plane_(stride_ * static_cast<std::size_t>(2 * (tiles_ / tile_columns_) + 2)) {
    if (constants != nullptr) constants_.assign(constants, constants + geometry.inputs);
    pack(weight);
    for (std::int32_t tile = 0; tile < tiles_; ++tile) {
      corners_.push_back(tile / tile_columns_ * 2 * static_cast<std::int32_t>(stride_) +
                         tile % tile_columns_ * 2);
    }
    for (std::int32_t tile = 0; tile < tiles_; tile += group_tiles) groups_.push_back(group_at(tile));
  }

  std::string name() const override { return "winograd"; }
  std::size_t weight_bytes() const override { return weights_.bytes(); }

  std::size_t scratch_floats(std::int32_t samples, int threads) const override {
    const std::size_t lists = rounded(static_cast<std::size_t>(samples) * listed());
    return std::max(shared_values_limit, item_floats(listed(), 1)) + lists +
           static_cast<std::size_t>(threads) * member_floats();
  }

  void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
           float* scratch, const Team& team) const override {
    Call call{inputs, outputs, relu, team, scratch, nullptr, nullptr, {}};
    call.offsets =
        reinterpret_cast<std::int32_t*>(scratch + std::max(shared_values_limit, item_floats(listed(), 1)));
    call.members =
        scratch + std::max(shared_values_limit, item_floats(listed(), 1)) + rounded(inputs.size() * listed());
    list_offsets(call);
    const bool merge = tiles_ <= group_tiles / 2 && inputs.size() > 1 && everything_is_listed(call);
    const bool kernels_are_larger =
        weights_.bytes() > kernels_limit && groups_.size() < 8 && (inputs.size() > 1 || team.size() > 1);
    const std::size_t limit = kernels_are_larger || team.size() > 1 ? shared_values_limit : values_limit;
    for (std::int32_t sample = 0; sample < static_cast<std::int32_t>(inputs.size());) {
      if (merge) {
        add_merged(call, sample, limit);
      } else {
        add_groups(call, sample, limit, kernels_are_larger);
      }
    }
    flush(call);
  }

 private:
  struct Call {
    std::span<const SampleInput> inputs;
    std::span<const SampleOutput> outputs;
    bool relu;
    const Team& team;
    float* values;
    std::int32_t* offsets;
    float* members;
    std::vector<Item> items;
    std::size_t used = 0;  // floats of values
  };

  static std::size_t rounded(std::size_t floats) {
    return (floats + floats_of_line - 1) / floats_of_line * floats_of_line;
  }
  /// Channels of the packed weights: the inputs and, where they have constants, the one that is one.
  std::size_t listed() const {
    return static_cast<std::size_t>(geometry_.inputs) + (constants_.empty() ? 0 : 1);
  }
  std::size_t listed(const SampleInput& input) const {
    return static_cast<std::size_t>(input.count) + (constants_.empty() ? 0 : 1);
  }
  static std::size_t item_floats(std::size_t channels, std::size_t groups) {
    return channels * groups * group_tiles * tile_points;
  }
  std::size_t member_floats() const {
    return rounded(plane_ + 4) + std::size_t{product_rows_limit} * group_tiles * tile_points;
  }

  void pack(const float* weight) {
    const auto inputs = static_cast<std::size_t>(geometry_.inputs);
    const auto outputs = static_cast<std::size_t>(geometry_.outputs);
    // One line more than a row needs, so that the rows of a product do not fall on the same cache set.
    row_floats_ = rounded(listed() * lanes_) + floats_of_line;
    weights_ = AlignedBuffer(parts_ * outputs * row_floats_);
    std::memset(weights_.data(), 0, weights_.bytes());
    std::vector<double> sums(9);
    for (std::size_t output = 0; output < outputs; ++output) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t input = 0; input < inputs; ++input) {
        const float* kernel = weight + (output * inputs + input) * 9;
        pack_one(kernel, output, input);
        if (constants_.empty()) continue;
        for (std::size_t tap = 0; tap < 9; ++tap)
          sums[tap] += double{constants_[input]} * double{kernel[tap]};
      }
      if (constants_.empty()) continue;
      std::array<float, 9> kernel{};
      for (std::size_t tap = 0; tap < 9; ++tap) kernel[tap] = static_cast<float>(sums[tap]);
      pack_one(kernel.data(), output, inputs);
    }
  }

  void pack_one(const float* kernel, std::size_t output, std::size_t input) {
    std::array<float, tile_points> points;
    transform_kernel(kernel, points.data());
    for (std::size_t part = 0; part < parts_; ++part) {
      std::copy_n(points.data() + part * lanes_, lanes_, row_of(part, output) + input * lanes_);
    }
  }

  float* row_of(std::size_t part, std::size_t output) {
    return weights_.data() + (part * static_cast<std::size_t>(geometry_.outputs) + output) * row_floats_;
  }
  const float* row_of(std::size_t part, std::size_t output) const {
    return weights_.data() + (part * static_cast<std::size_t>(geometry_.outputs) + output) * row_floats_;
  }

  Group group_at(std::int32_t first) const {
    Group group;
    group.first_tile = first;
    group.tiles = std::min(group_tiles, tiles_ - first);
    for (std::int32_t tile = 0; tile < group.tiles;) {
      TileSegment& segment = group.segments[static_cast<std::size_t>(group.segment_count++)];
      const std::int32_t column = (first + tile) % tile_columns_;
      segment.first = tile;
      segment.count = std::min(group.tiles - tile, tile_columns_ - column);
      segment.row = (first + tile) / tile_columns_ * 2;
      segment.column = column * 2;
      segment.height = std::min(2, geometry_.out_height() - segment.row);
      segment.width = std::min(2 * segment.count, geometry_.out_width() - segment.column);
      tile += segment.count;
    }
    return group;
  }

  void list_offsets(Call& call) const {
    const auto lanes = static_cast<std::int32_t>(lanes_);
    for (std::size_t sample = 0; sample < call.inputs.size(); ++sample) {
      const SampleInput& input = call.inputs[sample];
      std::int32_t* offsets = call.offsets + sample * listed();
      for (std::int32_t i = 0; i < input.count; ++i) offsets[i] = channel_at(input.channels, i) * lanes;
      if (!constants_.empty()) offsets[input.count] = geometry_.inputs * lanes;
    }
  }

  bool everything_is_listed(const Call& call) const {
    return std::all_of(call.inputs.begin(), call.inputs.end(),
                       [&](const SampleInput& input) { return input.count == geometry_.inputs; }) &&
           std::all_of(call.outputs.begin(), call.outputs.end(),
                       [&](const SampleOutput& output) { return output.count == geometry_.outputs; });
  }

  /// Takes one group made of as many samples as fit.
  void add_merged(Call& call, std::int32_t& sample, std::size_t limit) const {
    const auto left = static_cast<std::int32_t>(call.inputs.size()) - sample;
    const std::int32_t samples = std::min(left, group_tiles / tiles_);
    const std::size_t floats = item_floats(listed(), 1);
    if (call.used > 0 && call.used + floats > limit) flush(call);
    call.items.push_back({sample, samples, 0, 1, call.values + call.used});
    call.used += floats;
    sample += samples;
  }

  /// Takes all groups of one sample, in pieces where they are too large to stay in the cache.
  void add_groups(Call& call, std::int32_t& sample, std::size_t limit, bool keep_others) const {
    const std::size_t of_group = item_floats(listed(call.inputs[static_cast<std::size_t>(sample)]), 1);
    const auto all = static_cast<std::int32_t>(groups_.size());
    const auto most =
        static_cast<std::int32_t>(std::max<std::size_t>(1, limit / std::max<std::size_t>(1, of_group)));
    const std::int32_t pieces = (all + most - 1) / most;
    for (std::int32_t piece = 0; piece < pieces; ++piece) {
      const std::int32_t first = all * piece / pieces, last = all * (piece + 1) / pieces;
      const std::size_t floats = of_group * static_cast<std::size_t>(last - first);
      if (call.used > 0 && (!keep_others || call.used + floats > limit)) flush(call);
      call.items.push_back({sample, 1, first, last - first, call.values + call.used});
      call.used += floats;
    }
    ++sample;
  }

  /// Computes what the items describe.
  void flush(Call& call) const {
    if (call.items.empty()) return;
    transform_inputs(call);
    const bool blocks = call.items.size() > 1 || call.team.size() > 1;
    std::int32_t rows = geometry_.outputs;
    if (blocks) {
      const auto fitting = static_cast<std::int32_t>(kernels_limit / (parts_ * row_floats_ * sizeof(float)));
      rows = std::clamp(fitting, std::int32_t{product_rows_limit}, geometry_.outputs + product_rows_limit);
      if (call.team.size() > 1) {
        const std::int32_t share = (geometry_.outputs + 4 * call.team.size() - 1) / (4 * call.team.size());
        rows = std::min(rows, std::max(share, std::int32_t{product_rows_limit}));
      }
    }
    call.team.for_each((geometry_.outputs + rows - 1) / rows, [&](std::int32_t block) {
      const std::int32_t first = block * rows, last = std::min(geometry_.outputs, first + rows);
      for (const Item& item : call.items) multiply(call, item, first, last);
    });
    call.items.clear();
    call.used = 0;
  }

  void transform_inputs(const Call& call) const {
    if (call.team.size() == 1) {
      for (const Item& item : call.items) {
        for (std::int32_t s = 0; s < item.samples; ++s)
          transform(call, item, s, 0, channels_of(call, item, s));
      }
      return;
    }
    constexpr std::int32_t at_a_time = 16;
    const std::int32_t tasks = (static_cast<std::int32_t>(listed()) + at_a_time - 1) / at_a_time;
    call.team.for_each(tasks * static_cast<std::int32_t>(call.items.size()), [&](std::int32_t task) {
      const Item& item = call.items[static_cast<std::size_t>(task / tasks)];
      const std::int32_t first = task % tasks * at_a_time;
      for (std::int32_t s = 0; s < item.samples; ++s) {
        transform(call, item, s, first, std::min(first + at_a_time, channels_of(call, item, s)));
      }
    });
  }

  std::int32_t channels_of(const Call& call, const Item& item, std::int32_t sample) const {
    return static_cast<std::int32_t>(listed(call.inputs[static_cast<std::size_t>(item.sample + sample)]));
  }

  /// Transforms the listed channels `first .. last - 1` of one of the item's samples.
  void transform(const Call& call, const Item& item, std::int32_t s, std::int32_t first,
                 std::int32_t last) const {
    if (first >= last) return;
    const SampleInput& input = call.inputs[static_cast<std::size_t>(item.sample + s)];
    const std::size_t channels = listed(input);
    float* plane = call.members + call.team.member() * member_floats();

    // The rows of the padded plane that these groups read, and those of them that the image fills.
    const Group& begin = groups_[static_cast<std::size_t>(item.first_group)];
    const Group& end = groups_[static_cast<std::size_t>(item.first_group + item.groups - 1)];
    const std::int32_t top = begin.first_tile / tile_columns_ * 2;
    const std::int32_t bottom = (end.first_tile + end.tiles - 1) / tile_columns_ * 2 + 4;
    std::memset(plane + static_cast<std::size_t>(top) * stride_, 0,
                (static_cast<std::size_t>(bottom - top) * stride_ + 4) * sizeof(float));
    const std::int32_t from = std::max(top, geometry_.padding);
    const std::int32_t to = std::min(bottom, geometry_.padding + geometry_.height);
    const std::size_t rows = static_cast<std::size_t>(std::max(0, to - from));
    const std::size_t columns = std::min(static_cast<std::size_t>(geometry_.width),
                                         stride_ - static_cast<std::size_t>(geometry_.padding));
    float* inside = plane + static_cast<std::size_t>(from) * stride_ + geometry_.padding;
    const std::size_t skipped =
        static_cast<std::size_t>(from - geometry_.padding) * static_cast<std::size_t>(geometry_.width);

    for (std::int32_t i = first; i < last; ++i) {
      if (i == input.count) {
        for (std::size_t y = 0; y < rows; ++y) std::fill_n(inside + y * stride_, columns, 1.0F);
      } else {
        const auto channel = static_cast<std::size_t>(channel_at(input.channels, i));
        kernels_.copy_rows(input.planes + channel * geometry_.in_plane() + skipped,
                           static_cast<std::size_t>(geometry_.width), rows, columns,
                           constants_.empty() ? 0.0F : constants_[channel],
                           input.scales != nullptr ? input.scales[i] : 1.0F, inside, stride_);
      }
      float* values = item.values;
      for (std::int32_t g = 0; g < item.groups; ++g) {
        const Group& group = groups_[static_cast<std::size_t>(item.first_group + g)];
        const auto width = static_cast<std::size_t>(item.samples > 1 ? item.samples * tiles_ : group.tiles);
        kernels_.transform_tiles(
            plane, stride_, corners_.data() + group.first_tile, group.tiles,
            values + (static_cast<std::size_t>(i) * width + static_cast<std::size_t>(s * tiles_)) * lanes_,
            channels * width * lanes_);
        values += channels * width * tile_points;
      }
    }
  }

  /// Output channels `first .. last - 1` of an item.
  void multiply(const Call& call, const Item& item, std::int32_t first, std::int32_t last) const {
    const SampleInput& input = call.inputs[static_cast<std::size_t>(item.sample)];
    const SampleOutput& output = call.outputs[static_cast<std::size_t>(item.sample)];
    const auto channels = static_cast<std::int32_t>(listed(input));
    const std::int32_t* offsets = call.offsets + static_cast<std::size_t>(item.sample) * listed();
    float* points = call.members + call.team.member() * member_floats() + rounded(plane_ + 4);

    const auto [begin, end] = places_of(output, first, last);
    const std::int32_t count = end - begin;
    if (count <= 0) return;
    const std::int32_t columns =
        item.samples > 1 ? item.samples * tiles_ : groups_[static_cast<std::size_t>(item.first_group)].tiles;
    const std::int32_t most = kernels_.rows_limit[columns];
    const std::int32_t blocks = (count + most - 1) / most;
    std::array<std::array<const float*, product_rows_limit>, tile_points> rows;
    for (std::int32_t block = 0; block < blocks; ++block) {
      const std::int32_t from = begin + count * block / blocks, to = begin + count * (block + 1) / blocks;
      for (std::size_t part = 0; part < parts_; ++part) {
        for (std::int32_t k = from; k < to; ++k) {
          rows[part][static_cast<std::size_t>(k - from)] =
              row_of(part, static_cast<std::size_t>(channel_at(output.channels, k)));
        }
      }
      const float* values = item.values;
      for (std::int32_t g = 0; g < item.groups; ++g) {
        const Group& group = groups_[static_cast<std::size_t>(item.first_group + g)];
        const std::int32_t width = item.samples > 1 ? item.samples * tiles_ : group.tiles;
        const std::size_t of_part =
            static_cast<std::size_t>(channels) * static_cast<std::size_t>(width) * lanes_;
        for (std::size_t part = 0; part < parts_; ++part) {
          kernels_.vector_product(values + part * of_part, rows[part].data(), offsets, channels, to - from,
                                  width, points + part * lanes_,
                                  static_cast<std::size_t>(width) * tile_points, tile_points);
        }
        values += of_part * parts_;
        for (std::int32_t k = from; k < to; ++k) {
          const float* sums = points + static_cast<std::size_t>((k - from) * width) * tile_points;
          for (std::int32_t s = 0; s < item.samples; ++s) {
            finish(call, call.outputs[static_cast<std::size_t>(item.sample + s)], k, group,
                   sums + static_cast<std::size_t>(s * tiles_) * tile_points);
          }
        }
      }
    }
  }

  void finish(const Call& call, const SampleOutput& output, std::int32_t k, const Group& group,
              const float* points) const {
    const std::size_t plane =
        static_cast<std::size_t>(channel_at(output.channels, k)) * geometry_.out_plane();
    kernels_.finish_tiles(points, group.tiles, group.segments.data(), group.segment_count,
                          {output.scales[k], output.offsets[k], call.relu},
                          output.residual != nullptr ? output.residual + plane : nullptr,
                          output.planes + plane, static_cast<std::size_t>(geometry_.out_width()));
  }

  const Kernels& kernels_;
  Geometry geometry_;
  std::size_t lanes_, parts_;
  std::int32_t tile_columns_, tiles_;
  std::size_t stride_, plane_;  // of the padded input plane
  std::size_t row_floats_ = 0;
  std::vector<float> constants_;
  AlignedBuffer weights_;  // (part of a tile, output, input, lanes)
  std::vector<std::int32_t> corners_;
  std::vector<Group> groups_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_winograd_convolution(const Kernels& kernels, const Geometry& geometry,
                                                             const float* weight, const float* constants) {
  return std::make_unique<WinogradConvolution>(kernels, geometry, weight, constants);
}

}  // namespace deepmoe
