#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "model/network.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// The exponential moving average of a network's weights and of the statistics of its norms (Polyak and
/// Juditsky, 1992; with a decay as in Tarvainen and Valpola, NIPS 2017). After the n-th update it keeps
/// min(decay, (1 + n) / (10 + n)) of itself, so that the start of training is soon forgotten. One thread at
/// a time.
class WeightAverage {
 public:
  /// Starts as the network, which must outlive it. `decay` 0: there is no average, and nothing happens.
  WeightAverage(const Network& network, double decay);

  bool exists() const { return decay_ > 0.0; }

  /// Takes the present weights in, which must not be the averaged ones.
  void update();

  /// Makes the average the network's weights for good.
  void finish();

  /// Gives the network the averaged weights, or its own back. What it has already it keeps.
  void use(bool averaged);
  bool in_use() const { return in_use_; }

  /// While one lives, the network has the averaged weights.
  class InUse {
   public:
    explicit InUse(WeightAverage& average) : average_(average), before_(average.in_use()) {
      average_.use(true);
    }
    ~InUse() { average_.use(before_); }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    WeightAverage& average_;
    const bool before_;
  };

  /// The averaged tensors under the names of the network's, and "updates", their number. They share memory
  /// with the average; empty without one.
  std::vector<SharedTensor> state() const;

  /// Takes a state that another average over the same network gave. Errors: format for a tensor that is
  /// missing, unknown or of another type or shape, naming it; then nothing has changed.
  void load_state(const std::vector<SharedTensor>& state);

 private:
  double decay_;
  bool in_use_ = false;
  std::vector<Network::Entry> entries_;  ///< of the network, those with a fractional part
  std::vector<at::Tensor> averages_;
  at::Tensor updates_;  ///< one int64 on the CPU
};

}  // namespace deepmoe
