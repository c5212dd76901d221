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

/// A network, an engine made of it, and one batch of noise to run them on.
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
  std::int64_t size() const { return size_; }
  ModelHandle& model() { return model_; }
  /// What the last run gave.
  const std::vector<float>& logits() const { return logits_; }

  /// Gates with round(density * experts) active ones for each image and layer, drawn anew.
  std::vector<float> draw_gates(double density);

  /// `gates` may be empty: the network's own. Returns the active MACs.
  std::int64_t run(const EngineHandle& some_engine, const std::vector<float>& gates);
  void run(const ModelHandle& some_model);

 private:
  std::string precision_;
  std::int64_t batch_, size_ = 0, threads_ = 0;
  ModelHandle model_;
  std::vector<float> images_, logits_;
  std::mt19937 random_{0};

 public:
  EngineHandle engine;
  nlohmann::ordered_json description, engine_description;
};

}  // namespace deepmoe::command
