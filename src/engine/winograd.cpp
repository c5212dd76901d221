// 3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3): 16 products for 4 pixels instead of 36 (Lavin and
// Gray, CVPR 2016). Leaving out a channel, read or written, is leaving out its 16 numbers of each kernel.
//
// The products are blocked as matrix products are: while a chunk of some outputs' kernels is in the second
// cache, every sample passes by; within a chunk a few kernels and tiles stay in the first one. Sums of
// earlier chunks wait in memory.

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "engine/aligned_buffer.hpp"
#include "engine/cache.hpp"
#include "engine/convolution_kernel.hpp"
#include "engine/late_winograd_weights.hpp"
#include "engine/tile_items.hpp"
#include "engine/winograd_inputs.hpp"
#include "engine/winograd_outputs.hpp"
#include "engine/winograd_weights.hpp"

namespace deepmoe {
namespace {

/// Transformed inputs that are kept while all outputs are computed from them, where kernels stay in the
/// second cache beside them.
constexpr std::size_t values_limit = std::size_t{192} * 1024 / sizeof(float);
/// The same where kernels are the larger part and are better read once for several samples.
constexpr std::size_t shared_values_limit = std::size_t{4096} * 1024 / sizeof(float);
/// Bytes of kernels and tiles of one product, which stay in the first cache.
constexpr std::size_t product_limit = std::size_t{40} * 1024;
/// Floats of sums that wait for further chunks, and tiles that are computed together.
constexpr std::size_t sums_limit = std::size_t{1024} * 1024 / sizeof(float);
constexpr std::size_t tiles_limit = sums_limit / (product_rows_limit * tile_points);

/// Groups whose outputs are finished together.
constexpr std::int32_t groups_to_finish = 8;

/// Samples that use a kernel, in the mean, up to which kernels are better read before they are used.
constexpr double most_uses_to_read_ahead = 8;

/// Samples that use a kernel, in the mean, up to which samples share too few kernels to be computed together.
constexpr double least_uses_to_share = 0.5;

/// Tiles from which on chunks pay.
constexpr std::size_t tiles_for_chunks = 32;

template <class Weights>
class WinogradConvolution : public ConvolutionKernel {
 public:
  WinogradConvolution(const Kernels& kernels, const Geometry& geometry, Weights weights,
                      std::span<const float> constants)
      : kernels_(kernels),
        geometry_(geometry),
        lanes_(static_cast<std::size_t>(kernels.lanes)),
        grid_(geometry),
        inputs_(kernels, geometry, grid_, constants),
        outputs_(kernels, geometry),
        weights_(std::move(weights)) {
    const auto vectors = static_cast<std::size_t>(kernels.rows_limit[product_columns] + product_columns);
    chunk_channels_ = product_limit / (vectors * lanes_ * sizeof(float));
    kernels_limit_ = second_cache_bytes() * 3 / 8;
    // Kernels that do not stay there are read again for each piece of a plane, at the cost of a miss: few
    // pieces.
    if (weights_.bytes() > kernels_limit_)
      values_limit_ = std::max(values_limit, second_cache_bytes() / 2 / sizeof(float));
  }

  std::string name() const override { return "winograd"; }
  std::size_t weight_bytes() const override { return weights_.stored_bytes(); }

  std::size_t scratch_floats(std::int32_t samples, int threads) const override {
    return values_floats(static_cast<std::size_t>(samples)) +
           offsets_floats(static_cast<std::size_t>(samples)) +
           static_cast<std::size_t>(threads) * member_floats();
  }

  void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
           float* scratch, const Team& team) const override {
    float* behind_values = scratch + values_floats(inputs.size());
    Call call{inputs,
              outputs,
              relu,
              team,
              reinterpret_cast<std::int32_t*>(behind_values),
              behind_values + offsets_floats(inputs.size()),
              everything_is_listed(inputs, outputs, geometry_.inputs, geometry_.outputs),
              TileItems(scratch)};
    list_offsets(call);
    const bool merge = grid_.tiles <= product_columns / 2 && inputs.size() > 1 && call.everything;
    // Samples that hardly share kernels are better computed one by one.
    const bool keep_others =
        weights_.bytes() > kernels_limit_ && grid_.groups.size() < 8 && inputs.size() > 1 &&
        uses_of_kernels(inputs, outputs, static_cast<double>(geometry_.kernels())) > least_uses_to_share;
    const std::size_t limit = keep_others || team.size() > 1 ? shared_values_limit : values_limit_;
    for (std::int32_t sample = 0; sample < static_cast<std::int32_t>(inputs.size());) {
      if (merge) {
        add_merged(call, sample, limit);
      } else {
        add_groups(call, sample, limit, keep_others);
      }
    }
    flush(call);
  }

 private:
  using Block = WinogradBlock;
  /// A block whose kernels can be read.
  struct ReadyBlock : Block {
    typename Weights::Rows rows;
  };
  using Weight = typename Weights::Number;

  struct Call {
    std::span<const SampleInput> inputs;
    std::span<const SampleOutput> outputs;
    bool relu;
    const Team& team;
    std::int32_t* offsets;
    float* members;
    bool everything;  // no channel is left out anywhere
    TileItems items;
    KernelUses uses{};         // of the items
    bool reads_ahead = false;  // a block's kernels, before they are used
    bool asks_ahead = false;   // a product's kernels, while the one before is computed
  };

  /// Floats of the transformed inputs that are kept at a time: all of them where they are few.
  std::size_t values_floats(std::size_t samples) const {
    const std::size_t of_group = WinogradInputs::group_floats(weights_.channels());
    return std::clamp(samples * grid_.groups.size() * of_group, of_group,
                      std::max(shared_values_limit, of_group));
  }
  std::size_t offsets_floats(std::size_t samples) const { return whole_lines(samples * weights_.channels()); }
  std::size_t member_floats() const { return inputs_.plane_floats() + sums_limit + late_floats(); }
  /// Floats of one block's kernels that are transformed where they are used.
  std::size_t late_floats() const {
    if constexpr (!Weights::are_late) return 0;
    const std::size_t fewest = product_rows_limit * weights_.channels() * weights_.kernel_bytes();
    // Chunks are not all of the same size, and each part of a row begins a line of its own.
    const std::size_t more_of_row = 2 * tile_points + weights_.parts() * 2 * floats_of_line;
    return std::max(kernels_limit_, fewest) / sizeof(float) +
           static_cast<std::size_t>(geometry_.outputs) * more_of_row;
  }
  float* member(const Call& call) const { return call.members + call.team.member() * member_floats(); }

  void list_offsets(Call& call) const {
    const auto step = static_cast<std::int32_t>(weights_.step());
    for (std::size_t sample = 0; sample < call.inputs.size(); ++sample) {
      const SampleInput& input = call.inputs[sample];
      std::int32_t* offsets = call.offsets + sample * weights_.channels();
      for (std::int32_t i = 0; i < input.count; ++i) offsets[i] = channel_at(input.channels, i) * step;
      if (inputs_.channels_of(input) > static_cast<std::size_t>(input.count))
        offsets[input.count] = geometry_.inputs * step;
    }
  }

  /// Takes one group made of as many samples as fit.
  void add_merged(Call& call, std::int32_t& sample, std::size_t limit) const {
    const auto left = static_cast<std::int32_t>(call.inputs.size()) - sample;
    const std::int32_t samples = std::min(left, product_columns / grid_.tiles);
    const std::size_t floats = WinogradInputs::group_floats(weights_.channels());
    if (!call.items.fits(floats, product_columns, limit, tiles_limit)) flush(call);
    call.items.add({sample, samples, 0, 1, samples * grid_.tiles}, floats);
    sample += samples;
  }

  /// Takes all groups of one sample, in pieces where they are too large to stay in the cache.
  void add_groups(Call& call, std::int32_t& sample, std::size_t limit, bool keep_others) const {
    const std::size_t of_group =
        WinogradInputs::group_floats(inputs_.channels_of(call.inputs[static_cast<std::size_t>(sample)]));
    const auto all = static_cast<std::int32_t>(grid_.groups.size());
    const auto most = static_cast<std::int32_t>(std::clamp<std::size_t>(
        limit / std::max<std::size_t>(1, of_group), 1, tiles_limit / product_columns));
    const std::int32_t pieces = (all + most - 1) / most;
    for (std::int32_t piece = 0; piece < pieces; ++piece) {
      const std::int32_t first = all * piece / pieces, last = all * (piece + 1) / pieces;
      const std::size_t floats = of_group * static_cast<std::size_t>(last - first);
      const std::int32_t tiles = std::min(grid_.tiles, last * product_columns) - first * product_columns;
      if (!call.items.empty() &&
          (!keep_others || !call.items.fits(floats, static_cast<std::size_t>(tiles), limit, tiles_limit)))
        flush(call);
      call.items.add({sample, 1, first, last - first, tiles}, floats);
    }
    ++sample;
  }

  /// Computes what the items describe.
  void flush(Call& call) const {
    if (call.items.empty()) return;
    transform_inputs(call);
    Block block;
    std::size_t most = 1;
    double pairs = 0;
    for (const TileItem& item : call.items.all()) {
      const SampleInput& input = call.inputs[static_cast<std::size_t>(item.sample)];
      most = std::max(most, inputs_.channels_of(input));
      pairs += double(input.count) * call.outputs[static_cast<std::size_t>(item.sample)].count;
    }
    const double uses = pairs / (double(geometry_.inputs) * geometry_.outputs);
    // Where most channels are used, their kernels are read nearly in order.
    const bool are_far_and_scattered =
        !Weights::are_late && weights_.bytes() > kernels_limit_ && most * 4 < weights_.channels() * 3;
    call.reads_ahead = are_far_and_scattered && uses >= 1 && uses <= most_uses_to_read_ahead;
    call.asks_ahead = are_far_and_scattered && !weights_.is_single_tile() && uses <= most_uses_to_ask_ahead;
    // Kernels that serve a few tiles only are read once in any case.
    if (call.items.tiles() >= tiles_for_chunks)
      block.chunks = static_cast<std::int32_t>((most + chunk_channels_ - 1) / chunk_channels_);
    if constexpr (Weights::are_late)
      call.uses = weights_.uses_of(call.items.all(), call.inputs, call.outputs);
    const std::int32_t rows = rows_at_a_time(call, block.chunks, uses);
    block.blocks = (geometry_.outputs + rows - 1) / rows;
    call.items.find_places(call.inputs, call.outputs, geometry_,
                           weights_.channels() > static_cast<std::size_t>(geometry_.inputs), block, rows);
    call.team.for_each(block.blocks, [&](std::int32_t index) {
      Block of = block;
      of.index = index;
      of.first = index * rows;
      of.last = std::min(geometry_.outputs, of.first + rows);
      for (of.chunk = 0; of.chunk < of.chunks; ++of.chunk) {
        multiply(call, ready(call, of));
      }
    });
    call.items.clear();
  }

  ReadyBlock ready(const Call& call, const Block& block) const {
    const std::int32_t first = first_of_chunk(geometry_, block.chunk, block.chunks);
    std::int32_t last = first_of_chunk(geometry_, block.chunk + 1, block.chunks);
    if constexpr (Weights::are_late) {
      if (block.chunk + 1 == block.chunks) last = static_cast<std::int32_t>(weights_.channels());
      // Behind the sums, which are more than the channels in front of a chunk.
      float* memory = member(call) + inputs_.plane_floats() + sums_limit;
      weights_.transform(call.uses, block, {first, last}, memory);
      return {block, weights_.rows(block, {first, last}, memory)};
    } else {
      if (call.reads_ahead) weights_.read_ahead(block.first, block.last, first, last);
      return {block, {weights_}};
    }
  }

  /// Outputs whose kernels of one chunk stay in the second cache, and whose sums have room to wait.
  std::int32_t rows_at_a_time(const Call& call, std::int32_t chunks, double uses) const {
    const std::size_t chunk_bytes =
        weights_.channels() * weights_.kernel_bytes() / static_cast<std::size_t>(chunks);
    std::size_t rows = kernels_limit_ / std::max<std::size_t>(1, chunk_bytes);
    // Kernels that are used once need not stay.
    const bool are_used_once = call.items.all().size() == 1 || uses <= least_uses_to_share;
    if (!Weights::are_late && chunks == 1 && are_used_once)
      rows = static_cast<std::size_t>(geometry_.outputs);
    if (chunks > 1) rows = std::min(rows, sums_limit / (call.items.tiles() * tile_points));
    if (call.team.size() > 1) {
      const auto parts = static_cast<std::size_t>(4 * call.team.size());
      rows = std::min(rows, (static_cast<std::size_t>(geometry_.outputs) + parts - 1) / parts);
    }
    auto fewest = std::size_t{product_rows_limit};
    if constexpr (Weights::are_late) {
      // A product's kernels alone are sooner transformed than evicted, where most outputs of a block are
      // used.
      const bool most_are_used =
          4 * call.uses.outputs.size() > 3 * static_cast<std::size_t>(geometry_.outputs);
      if (chunks == 1 && most_are_used)
        rows = fewest = static_cast<std::size_t>(kernels_.rows_limit[product_columns]);
    }
    return static_cast<std::int32_t>(std::clamp(rows, fewest, static_cast<std::size_t>(1) << 20));
  }

  void transform_inputs(const Call& call) const {
    if (call.team.size() == 1) {
      for (const TileItem& item : call.items.all()) {
        for (std::int32_t s = 0; s < item.samples; ++s)
          transform(call, item, s, 0, channels_of(call, item, s));
      }
      return;
    }
    constexpr std::int32_t at_a_time = 16;
    const std::int32_t tasks = (static_cast<std::int32_t>(weights_.channels()) + at_a_time - 1) / at_a_time;
    call.team.for_each(tasks * static_cast<std::int32_t>(call.items.all().size()), [&](std::int32_t task) {
      const TileItem& item = call.items.all()[static_cast<std::size_t>(task / tasks)];
      const std::int32_t first = task % tasks * at_a_time;
      for (std::int32_t s = 0; s < item.samples; ++s) {
        transform(call, item, s, first, std::min(first + at_a_time, channels_of(call, item, s)));
      }
    });
  }

  std::int32_t channels_of(const Call& call, const TileItem& item, std::int32_t sample) const {
    return static_cast<std::int32_t>(
        inputs_.channels_of(call.inputs[static_cast<std::size_t>(item.sample + sample)]));
  }

  void transform(const Call& call, const TileItem& item, std::int32_t s, std::int32_t first,
                 std::int32_t last) const {
    const SampleInput& input = call.inputs[static_cast<std::size_t>(item.sample + s)];
    if (weights_.is_single_tile()) {
      inputs_.transform_single_tiles(input, item, s, first, last);
    } else {
      inputs_.transform(input, item, s, first, last, member(call));
    }
  }

  /// Adds one chunk's products for all items, and finishes after the last chunk.
  void multiply(const Call& call, const ReadyBlock& block) const {
    float* sums = member(call) + inputs_.plane_floats();
    // Kernels serve all items before the next ones are read, where all items need the same ones.
    if (call.everything) {
      const std::int32_t most =
          kernels_.rows_limit[std::min(call.items.all().front().tiles, product_columns)];
      const std::int32_t count = block.last - block.first, parts = (count + most - 1) / most;
      for (std::int32_t part = 0; part < parts; ++part) {
        float* of_item = sums;
        for (const TileItem& item : call.items.all()) {
          multiply(call, block, item, block.first, block.first + count * part / parts,
                   block.first + count * (part + 1) / parts, of_item);
          if (block.chunks > 1) of_item += static_cast<std::size_t>(count * item.tiles) * tile_points;
        }
      }
      return;
    }
    for (const TileItem& item : call.items.all()) {
      const std::size_t index = static_cast<std::size_t>(&item - call.items.all().data());
      const auto [begin, end] = call.items.outputs_of(index, block);
      const std::int32_t count = end - begin;
      if (count <= 0) continue;
      const std::int32_t most = kernels_.rows_limit[std::min(item.tiles, product_columns)];
      const std::int32_t parts = (count + most - 1) / most;
      for (std::int32_t part = 0; part < parts; ++part)
        multiply(call, block, item, begin, begin + count * part / parts, begin + count * (part + 1) / parts,
                 sums);
      // Sums that do not wait take the same memory for every item.
      if (block.chunks > 1) sums += static_cast<std::size_t>(count * item.tiles) * tile_points;
    }
  }

  /// The outputs at the places `from .. to - 1` of one item, whose sums, those of place `begin` first, are
  /// packed (place, tile, point) where they have to wait.
  void multiply(const Call& call, const ReadyBlock& block, const TileItem& item, std::int32_t begin,
                std::int32_t from, std::int32_t to, float* sums) const {
    const SampleInput& input = call.inputs[static_cast<std::size_t>(item.sample)];
    const SampleOutput& output = call.outputs[static_cast<std::size_t>(item.sample)];
    const std::size_t channels = inputs_.channels_of(input);
    const auto [first, last] =
        call.items.channels_of(static_cast<std::size_t>(&item - call.items.all().data()), block);
    const std::int32_t* offsets =
        call.offsets + static_cast<std::size_t>(item.sample) * weights_.channels() + first;
    using Rows = std::array<std::array<const Weight*, product_rows_limit>, tile_points>;
    Rows rows, ahead;
    const auto list_rows = [&](Rows& to_rows, std::int32_t first_place) {
      for (std::size_t part = 0; part < weights_.parts(); ++part) {
        for (std::int32_t k = 0; k < to - from; ++k) {
          const std::int32_t place = std::min(first_place + k, output.count - 1);
          to_rows[part][static_cast<std::size_t>(k)] = block.rows(part, channel_at(output.channels, place));
        }
      }
    };
    list_rows(rows, from);
    if (call.asks_ahead) list_rows(ahead, to);
    const bool waits = block.chunks > 1;
    // A few groups' sums stay in the first cache until they are finished; a line more a row keeps the rows
    // apart there.
    const std::int32_t groups_at_a_time = waits ? item.groups : groups_to_finish;
    const std::size_t row_floats =
        waits ? static_cast<std::size_t>(item.tiles) * tile_points
              : static_cast<std::size_t>(groups_to_finish * product_columns) * tile_points + floats_of_line;
    if (waits) sums += static_cast<std::size_t>(from - begin) * row_floats;
    const float* values = item.values;
    for (std::int32_t g = 0; g < item.groups; ++g) {
      const TileGroup& group = grid_.groups[static_cast<std::size_t>(item.first_group + g)];
      const std::int32_t tiles = item.samples > 1 ? item.tiles : group.tiles;
      const auto width = static_cast<std::size_t>(tiles);
      float* at = sums + static_cast<std::size_t>(g % groups_at_a_time * product_columns) * tile_points;
      for (std::size_t part = 0; part < weights_.parts(); ++part) {
        kernels_.products<Weight>().vectors(
            values + (part * channels + static_cast<std::size_t>(first)) * width * lanes_, rows[part].data(),
            call.asks_ahead && g == 0 ? ahead[part].data() : nullptr, offsets, last - first, to - from, tiles,
            block.chunk > 0, at + part * lanes_, row_floats, tile_points);
      }
      values += channels * width * tile_points;
      const std::int32_t waiting = g % groups_at_a_time + 1;
      if (block.chunk + 1 < block.chunks || (waiting < groups_at_a_time && g + 1 < item.groups)) continue;
      finish(call, item, {&group + 1 - waiting, static_cast<std::size_t>(waiting)}, from, to, sums,
             row_floats);
    }
  }

  /// Finishes the outputs at the places `from .. to - 1` of some groups of an item.
  void finish(const Call& call, const TileItem& item, std::span<const TileGroup> groups, std::int32_t from,
              std::int32_t to, const float* sums, std::size_t row_floats) const {
    for (std::int32_t s = 0; s < item.samples; ++s) {
      const SampleOutput& output = call.outputs[static_cast<std::size_t>(item.sample + s)];
      const float* points = sums + static_cast<std::size_t>(s * grid_.tiles) * tile_points;
      if (weights_.is_single_tile()) {
        outputs_.finish_single_tiles(output, from, to, call.relu, points, row_floats);
      } else {
        outputs_.finish(output, groups, from, to, call.relu, points, row_floats);
      }
    }
  }

  const Kernels& kernels_;
  Geometry geometry_;
  std::size_t lanes_;
  TileGrid grid_;
  WinogradInputs inputs_;
  WinogradOutputs outputs_;
  Weights weights_;
  std::size_t chunk_channels_ = 1;
  std::size_t values_limit_ = values_limit;
  std::size_t kernels_limit_ = 0;  // bytes of kernels that stay in the second cache while samples pass by
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_winograd_convolution(const Kernels& kernels, const Geometry& geometry,
                                                             const float* weight, const float* constants,
                                                             WeightPrecision precision) {
  const auto lanes = static_cast<std::size_t>(kernels.lanes);
  const auto make = [&]<class Weight>(WinogradWeights<Weight> weights) {
    return std::make_unique<WinogradConvolution<WinogradWeights<Weight>>>(
        kernels, geometry, std::move(weights), constants_of(geometry, constants));
  };
  if (precision == WeightPrecision::bf16)
    return make(WinogradWeights<BFloat16>(geometry, lanes, weight, constants));
  return make(WinogradWeights<float>(geometry, lanes, weight, constants));
}

template <class Weight>
std::unique_ptr<ConvolutionKernel> make_packed_winograd_convolution(
    const Kernels& kernels, const Geometry& geometry, std::shared_ptr<const PackedKernels<Weight>> weights,
    std::span<const float> constants) {
  return std::make_unique<WinogradConvolution<LateWinogradWeights<Weight>>>(
      kernels, geometry, LateWinogradWeights<Weight>(kernels, std::move(weights)), constants);
}

template std::unique_ptr<ConvolutionKernel> make_packed_winograd_convolution(
    const Kernels&, const Geometry&, std::shared_ptr<const PackedKernels<float>>, std::span<const float>);
template std::unique_ptr<ConvolutionKernel> make_packed_winograd_convolution(
    const Kernels&, const Geometry&, std::shared_ptr<const PackedKernels<BFloat16>>, std::span<const float>);

}  // namespace deepmoe
