#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "engine.hpp"
#include "handle.hpp"

namespace deepmoe::command {

/// The densities that skipping is measured at.
inline constexpr double swept_densities[] = {1.0, 0.75, 0.5, 0.25, 0.125};

/// A network, an engine made of it, and batches of noise to run them on. Runs take the batches in turn, so
/// that no cache holds just the experts that one image uses, as none does where images come from outside.
class BenchSubject {
 public:
  /// `weights` may be empty: random ones.
  BenchSubject(const OptionsHandle& options, const std::string& weights, std::string precision);

  /// An engine with these settings besides those of `engine`.
  EngineHandle make_engine(nlohmann::json more) const;
  /// The network without gates and with folded batch norms.
  ModelHandle fold() const;

  bool gated() const { return engine_description.at("experts") > 0; }
  std::int64_t batch() const { return batch_; }
  std::int64_t batches() const { return batches_; }
  std::int64_t size() const { return size_; }
  ModelHandle& model() { return model_; }
  /// What the last run gave.
  const std::vector<float>& logits() const { return logits_; }

  /// Gates with round(density * experts) active ones for each image of all batches and each layer, drawn
  /// anew.
  std::vector<float> draw_gates(double density);

  /// The next run takes this batch.
  void turn_to(std::int64_t batch) { next_ = batch; }
  /// `gates` may be empty: the network's own. Returns the active MACs.
  std::int64_t run(const EngineHandle& some_engine, const std::vector<float>& gates);
  void run(const ModelHandle& some_model);

 private:
  /// The batch whose turn it is.
  std::size_t take_batch();
  const float* images_of(std::size_t batch) const;

  std::string precision_;
  std::int64_t batch_, batches_, next_ = 0, size_ = 0, threads_ = 0;
  ModelHandle model_;
  std::vector<float> images_, logits_;
  std::mt19937 random_{0};

 public:
  EngineHandle engine;
  nlohmann::ordered_json description, engine_description;
};

}  // namespace deepmoe::command
