#include "engine/buffers.hpp"

#include <algorithm>
#include <numeric>

namespace deepmoe {
namespace {

constexpr std::size_t floats_of_line = 16;

/// The values that a step reads, its output (or -1), and the input that the output may take the place of.
struct Use {
  std::vector<std::int32_t> reads;
  std::int32_t writes = -1, replaceable = -1;
};

struct UseOf {
  Use operator()(const HeadStep& step) const { return {{step.embedding}}; }
  Use operator()(const ConvolutionStep& step) const {
    // Each pixel of a residual is read just before the sum is written there; inputs are read in other places.
    return {{step.input, step.residual}, step.output, step.residual != step.input ? step.residual : -1};
  }
  Use operator()(const LinearStep& step) const { return {{step.input, step.residual}, step.output}; }
  Use operator()(const PoolStep& step) const { return {{step.input}, step.output}; }
  Use operator()(const ElementwiseStep& step) const {
    return {{step.input, step.residual}, step.output, step.input};
  }
  Use operator()(const FillStep& step) const { return {{step.value}}; }
};

/// Values that share one piece of memory, and when it is in use.
struct Piece {
  std::size_t floats = 0;
  std::size_t first = 0, last = 0;  // steps
  std::size_t offset = 0;
};

}  // namespace

BufferLayout lay_out_buffers(const LoweredNetwork& network) {
  const std::size_t values = network.values.size();
  std::vector<std::size_t> last(values, 0);
  std::vector<Use> uses;
  for (std::size_t step = 0; step < network.steps.size(); ++step) {
    uses.push_back(std::visit(UseOf(), network.steps[step].operation));
    for (const std::int32_t read : uses.back().reads) {
      if (read >= 0) last[static_cast<std::size_t>(read)] = step;
    }
    if (uses.back().writes >= 0) last[static_cast<std::size_t>(uses.back().writes)] = step;
  }
  for (const std::int32_t output : {network.logits, network.embedding, network.embedding_logits}) {
    if (output >= 0) last[static_cast<std::size_t>(output)] = network.steps.size();
  }

  std::vector<Piece> pieces;
  std::vector<std::int32_t> piece_of(values, -1);
  for (std::size_t step = 0; step < uses.size(); ++step) {
    const Use& use = uses[step];
    if (use.writes < 0) continue;
    const auto written = static_cast<std::size_t>(use.writes);
    const std::size_t floats =
        (static_cast<std::size_t>(network.values[written].shape.elements()) + floats_of_line - 1) /
        floats_of_line * floats_of_line;
    if (use.replaceable > 0 && last[static_cast<std::size_t>(use.replaceable)] == step &&
        pieces[static_cast<std::size_t>(piece_of[static_cast<std::size_t>(use.replaceable)])].floats ==
            floats) {
      piece_of[written] = piece_of[static_cast<std::size_t>(use.replaceable)];
    } else {
      piece_of[written] = static_cast<std::int32_t>(pieces.size());
      pieces.push_back({floats, step, step, 0});
    }
    Piece& piece = pieces[static_cast<std::size_t>(piece_of[written])];
    piece.last = std::max(piece.last, last[written]);
  }

  // The largest first, each at the lowest place that is free as long as it is in use.
  std::vector<std::size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return pieces[a].floats > pieces[b].floats; });
  BufferLayout layout;
  std::vector<const Piece*> placed;
  for (const std::size_t index : order) {
    Piece& piece = pieces[index];
    bool moved = true;
    while (moved) {
      moved = false;
      for (const Piece* other : placed) {
        const bool together = piece.first <= other->last && other->first <= piece.last;
        const bool overlap =
            piece.offset < other->offset + other->floats && other->offset < piece.offset + piece.floats;
        if (together && overlap) {
          piece.offset = other->offset + other->floats;
          moved = true;
        }
      }
    }
    placed.push_back(&piece);
    layout.floats = std::max(layout.floats, piece.offset + piece.floats);
  }
  for (std::size_t value = 0; value < values; ++value) {
    layout.offsets.push_back(piece_of[value] >= 0 ? pieces[static_cast<std::size_t>(piece_of[value])].offset
                                                  : 0);
  }
  return layout;
}

}  // namespace deepmoe
