#include "engine/buffers.hpp"

#include <algorithm>
#include <numeric>

#include "engine/aligned_buffer.hpp"

namespace deepmoe {
namespace {

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

/// Bytes of weights that a step reads, and of what it reads and writes of one sample.
struct Traffic {
  double weights = 0, activations = 0;
};
Traffic traffic_of(const LoweredNetwork& network, const Step& step) {
  Traffic traffic;
  std::visit(
      [&](const auto& operation) {
        if constexpr (requires { operation.weight; })
          traffic.weights = static_cast<double>(operation.weight.size() * sizeof(float));
      },
      step.operation);
  Use use = std::visit(UseOf(), step.operation);
  use.reads.push_back(use.writes);
  for (const std::int32_t value : use.reads) {
    if (value > 0)
      traffic.activations +=
          static_cast<double>(network.values[static_cast<std::size_t>(value)].shape.elements()) *
          sizeof(float);
  }
  return traffic;
}

}  // namespace

std::size_t late_step(const LoweredNetwork& network, const PassSizes& sizes) {
  // What each later step saves in weights and loses in activations, which then leave the cache between steps.
  const double passes = 1.0 / static_cast<double>(sizes.early) - 1.0 / static_cast<double>(sizes.all);
  double gain = 0, best = 0;
  std::size_t first = network.steps.size();
  for (std::size_t step = network.steps.size(); step-- > 0;) {
    const Traffic traffic = traffic_of(network, network.steps[step]);
    gain += traffic.weights * passes - traffic.activations;
    if (gain > best) {
      best = gain;
      first = step;
    }
  }
  return first;
}

BufferPlan::BufferPlan(const LoweredNetwork& network, std::size_t late_step)
    : piece_of_(network.values.size(), -1) {
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

  for (std::size_t step = 0; step < uses.size(); ++step) {
    const Use& use = uses[step];
    if (use.writes < 0) continue;
    const auto written = static_cast<std::size_t>(use.writes);
    const Piece piece{whole_lines(static_cast<std::size_t>(network.values[written].shape.elements())), step,
                      last[written], last[written] >= late_step};
    const std::int32_t replaced =
        use.replaceable > 0 && last[static_cast<std::size_t>(use.replaceable)] == step
            ? piece_of_[static_cast<std::size_t>(use.replaceable)]
            : -1;
    if (replaced >= 0) {
      Piece& of = pieces_[static_cast<std::size_t>(replaced)];
      if (of.floats == piece.floats && of.of_all_samples == piece.of_all_samples) {
        of.last = std::max(of.last, piece.last);
        piece_of_[written] = replaced;
        continue;
      }
    }
    piece_of_[written] = static_cast<std::int32_t>(pieces_.size());
    pieces_.push_back(piece);
  }
  // What outlives a pass through the early steps must not be overwritten by the next pass.
  for (Piece& piece : pieces_) {
    if (piece.of_all_samples && piece.first < late_step) piece.first = 0;
  }
}

BufferLayout BufferPlan::lay_out(const PassSizes& sizes) const {
  const auto floats_of = [&](const Piece& piece) {
    return piece.floats * (piece.of_all_samples ? sizes.all : sizes.early);
  };
  // The largest first, each at the lowest place that is free as long as it is in use.
  std::vector<std::size_t> order(pieces_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return floats_of(pieces_[a]) > floats_of(pieces_[b]);
  });
  BufferLayout layout;
  std::vector<std::size_t> offsets(pieces_.size(), 0), placed;
  for (const std::size_t index : order) {
    const Piece& piece = pieces_[index];
    std::size_t& offset = offsets[index];
    bool moved = true;
    while (moved) {
      moved = false;
      for (const std::size_t other : placed) {
        const bool together = piece.first <= pieces_[other].last && pieces_[other].first <= piece.last;
        const std::size_t end = offsets[other] + floats_of(pieces_[other]);
        if (together && offset < end && offsets[other] < offset + floats_of(piece)) {
          offset = end;
          moved = true;
        }
      }
    }
    placed.push_back(index);
    layout.floats = std::max(layout.floats, offset + floats_of(piece));
  }
  for (const std::int32_t piece : piece_of_)
    layout.offsets.push_back(piece >= 0 ? offsets[static_cast<std::size_t>(piece)] : 0);
  return layout;
}

}  // namespace deepmoe
