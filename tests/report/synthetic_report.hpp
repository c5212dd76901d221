#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "analysis/report.hpp"

namespace deepmoe {

/// A chain of gated convolutions with these widths.
inline Architecture chain_network(std::int64_t classes, const std::vector<std::int64_t>& widths) {
  Architecture network;
  network.model = "chain";
  network.image_size = 8;
  network.nodes = {{"input", Input{}, {}, {}},
                   {"embedding.pool", AveragePool{}, {0}, {}},
                   {"embedding.flatten", Flatten{}, {1}, {}},
                   {"embedding.linear", Linear{.channels = 8}, {2}, "embedding.linear"}};
  std::int32_t last = 0;
  const auto add = [&](const std::string& name, Operation operation, std::vector<std::int32_t> inputs,
                       const std::string& parameters = {}) {
    network.nodes.push_back({name, operation, std::move(inputs), parameters});
    last = static_cast<std::int32_t>(network.nodes.size()) - 1;
  };
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const std::string stage = "stage" + std::to_string(i / 10 + 1) + ".block" + std::to_string(i % 10) + ".";
    add(stage + "conv", Convolution{.channels = widths[i], .kernel = 3, .padding = 1}, {last},
        stage + "conv");
    add(stage + "gate", Gate{}, {last, 3}, stage + "gate");
    add(stage + "relu", Relu{}, {last});
  }
  add("pool", AveragePool{}, {last});
  add("flatten", Flatten{}, {last});
  add("fc", Linear{.channels = classes}, {last}, "fc");
  network.logits = last;
  add("embedding_classifier", Linear{.channels = classes}, {3}, "embedding_classifier");
  network.embedding = 3;
  network.embedding_logits = last;
  return network;
}

/// A report of random gates in which classes have experts of their own, some experts are dead, and early
/// layers are denser than late ones.
inline Report synthetic_report(std::int64_t classes, const std::vector<std::int64_t>& widths,
                               std::int64_t images, std::vector<std::string> names = {}) {
  Collection collection(chain_network(classes, widths), 8, {});
  std::mt19937_64 random(7);
  std::uniform_real_distribution<float> uniform(0, 1);
  std::normal_distribution<float> normal(0, 1);
  const auto experts = static_cast<Eigen::Index>(collection.experts());
  const auto wanted = SampleRows::NullaryExpr(classes, experts, [&] { return uniform(random); }).eval();
  const SampleRows centres = SampleRows::NullaryExpr(classes, 8, [&] { return 3 * normal(random); });
  constexpr std::int64_t batch = 100;
  for (std::int64_t first = 0; first < images; first += batch) {
    const std::int64_t count = std::min(batch, images - first);
    SampleRows gates(count, experts), embeddings(count, 8), logits(count, classes);
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t label = (first + i) % classes;
      labels.push_back(label);
      Eigen::Index column = 0;
      for (std::size_t layer = 0; layer < widths.size(); ++layer) {
        const float density = 0.9F - 0.8F * static_cast<float>(layer) / static_cast<float>(widths.size());
        for (std::int64_t expert = 0; expert < widths[layer]; ++expert, ++column) {
          // Powers of likings give some experts to few classes, and every eighth to none.
          const float liking = wanted(label, column);
          const bool active = expert % 8 != 7 && uniform(random) < density * 2 * liking * liking;
          gates(i, column) = active ? 0.1F + uniform(random) : 0;
        }
      }
      for (Eigen::Index k = 0; k < 8; ++k) embeddings(i, k) = centres(label, k) + normal(random);
      for (Eigen::Index k = 0; k < classes; ++k) logits(i, k) = normal(random);
      logits(i, label) += 3;
    }
    collection.add(gates, embeddings, logits, labels);
  }
  while (static_cast<std::int64_t>(names.size()) < classes)
    names.push_back("class " + std::to_string(names.size()));
  Report report(std::move(collection),
                {"chain", "folder /data/pictures (test)", std::move(names), "runs/pictures/best.safetensors",
                 "deepmoe compact --weights runs/pictures/best.safetensors --dataset folder --data_dir "
                 "/data/pictures --split test --out runs/pictures/best-compact.safetensors"});
  for (int i = 0; i < 8; ++i) {
    const double kept = 1 - 0.1 * i;
    report.thresholds.push_back({0.1 * i, images, 0.9 - 0.012 * i * i, 0.5 * kept,
                                 *report.collection.active_macs().mean() * kept * kept});
  }
  report.run.columns = {"epoch",   "lr",          "train_loss", "val_loss",     "train_acc",        "val_acc",
                        "density", "active_macs", "dense_macs", "dead_experts", "always_on_experts"};
  for (int epoch = 1; epoch <= 40; ++epoch) {
    const double done = epoch / 40.0;
    report.run.rows.push_back({epoch, 0.1 * (1 - done), 2.3 - 2 * done, 2.4 - 1.7 * done, 0.1 + 0.85 * done,
                               0.1 + 0.78 * done, 1 - 0.6 * done,
                               report.collection.dense_macs() * (1 - 0.6 * done),
                               report.collection.dense_macs(), 30 * done, 20 * (1 - done)});
  }
  const std::string weights = std::exchange(report.weights, "");  // There is no such file.
  report.drift = report_drift(report, report);
  report.weights = weights;
  report.drift->reference = "runs/pictures/earlier.safetensors";
  for (const ParameterSpecification& entry : parameter_specifications(report.collection.architecture())) {
    report.drift->parameters.push_back({entry.name, {10, 11, 2, 0.2, 0.98}});
  }
  return report;
}

}  // namespace deepmoe
