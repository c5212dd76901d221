// What analysis costs. Run by hand:
//   bench_analysis co-activation
//     4,000 experts over 50,000 images, against Eigen's own product
//   bench_analysis memory [IMAGES]
//     a ResNet-50 with 1,000 classes, a million images unless told: peak memory while they come, and of a
//     report
//   bench_analysis pass WEIGHTS IMAGES
//     the engine's pass over a folder's test split, with and without analysis

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "analysis/analysis.hpp"
#include "data/data.hpp"
#include "report/html_report.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Peak memory of this process in MB.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1000;
  }
  return 0;
}

SampleRows random_gates(Eigen::Index rows, Eigen::Index columns, std::mt19937& random) {
  std::bernoulli_distribution active(0.3);
  return SampleRows::NullaryExpr(rows, columns, [&] { return active(random) ? 1.0F : 0.0F; });
}

void co_activation() {
  constexpr Eigen::Index experts = 4000, images = 50000, batch = 64;
  std::mt19937 random(1);
  const SampleRows gates = random_gates(images, experts, random);
  double sum = 0;
  const double counted = seconds_of([&] {
    CoActivation pairs(experts);
    for (Eigen::Index first = 0; first < images; first += batch) {
      pairs.add(gates.middleRows(first, std::min(batch, images - first)));
    }
    sum += pairs.counts()(1, 0);
  });
  const double product = seconds_of([&] {
    const Eigen::MatrixXf counts = gates.transpose() * gates;
    sum -= counts(1, 0);
  });
  std::printf(
      "co-activation of %ld experts over %ld images: %.1f s; Eigen's product: %.1f s; ratio %.2f (difference "
      "%g)\n",
      static_cast<long>(experts), static_cast<long>(images), counted, product, counted / product, sum);
}

Options resnet50() {
  Options options;
  options.set("model", "resnet50_moe_a");
  options.set("num_classes", "1000");
  options.set("image_size", "224");
  return options;
}

/// What an engine would make of a batch.
struct FakeOutputs {
  SampleRows gates, embeddings, logits;
};

void memory(long images) {
  Collection collection(build_architecture(resnet50()), 224, {});
  constexpr Eigen::Index batch = 64, classes = 1000;
  const Eigen::Index embedding = collection.embeddings().vectors().cols();
  std::mt19937 random(1);
  // A few batches come again and again under other labels: what is counted grows with the images all the
  // same.
  std::vector<FakeOutputs> batches(16);
  for (FakeOutputs& one : batches) {
    one = {random_gates(batch, collection.experts(), random), SampleRows::Random(batch, embedding),
           SampleRows::Random(batch, classes)};
  }
  std::printf("%ld experts in %zu layers; batches of random gates: %.0f MB at most\n",
              static_cast<long>(collection.experts()), collection.layers().size(), peak_memory());
  const long shown = std::max(images / 10, 1L);
  long next = shown;
  std::vector<std::int64_t> labels;
  const double counted = seconds_of([&] {
    for (long first = 0; first < images; first += batch) {
      const auto count = static_cast<Eigen::Index>(std::min<long>(batch, images - first));
      const FakeOutputs& one = batches[static_cast<std::size_t>(first / batch) % batches.size()];
      labels.clear();
      for (Eigen::Index i = 0; i < count; ++i) labels.push_back((first + i) % classes);
      collection.add(one.gates.topRows(count), one.embeddings.topRows(count), one.logits.topRows(count),
                     labels);
      if (first + count >= next) {
        std::printf("%ld images: %.0f MB at most\n", first + static_cast<long>(count), peak_memory());
        std::fflush(stdout);
        next += shown;
      }
    }
  });
  std::printf("counted in %.0f s\n", counted);
  std::vector<std::string> names;
  for (int i = 0; i < classes; ++i) names.push_back("class " + std::to_string(i));
  const Report report(std::move(collection), {"resnet50_moe_a", "random gates", names, "", ""});
  const std::string folder = "/tmp/bench_analysis";
  const double written = seconds_of([&] { write_report(report, folder); });
  const double page = seconds_of([&] { write_html_report(report, folder); });
  std::printf("report in %s: tables %.1f s, page %.1f s; %.0f MB at most\n", folder.c_str(), written, page,
              peak_memory());
}

void pass(const std::string& weights, const std::string& images) {
  const SafetensorsFile file(weights);
  const Architecture network =
      architecture_from_json(nlohmann::json::parse(file.metadata().at("architecture")));
  const Engine engine(network, parameters_of(file), {});
  Options options;
  options.set("dataset", "folder");
  options.set("data_dir", images);
  const std::shared_ptr<const Dataset> dataset = open_dataset(options, "test");
  Loader loader(dataset, evaluation_transform(*dataset, engine.image_size()),
                {.batch_size = 64, .num_workers = 0});
  std::vector<std::vector<float>> pixels;
  std::vector<std::vector<std::int64_t>> labels;
  const auto elements = static_cast<std::size_t>(3 * engine.image_size() * engine.image_size());
  for (Batch batch; loader.next(batch);) {
    const auto count = static_cast<std::size_t>(batch.size);
    pixels.emplace_back(batch.images, batch.images + count * elements);
    labels.emplace_back(batch.labels, batch.labels + count);
  }
  const Eigen::Index experts = engine.experts(), classes = network.num_classes();
  const Eigen::Index dimensions = infer_shapes(network)[static_cast<std::size_t>(network.embedding)].channels;

  const auto alone = [&] {
    std::vector<float> gates(static_cast<std::size_t>(64 * experts)),
        embeddings(static_cast<std::size_t>(64 * dimensions)), logits(static_cast<std::size_t>(64 * classes));
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      EngineRun run;
      run.images = pixels[i].data();
      run.batch_size = static_cast<std::int64_t>(labels[i].size());
      run.gates = gates.data();
      run.embedding = embeddings.data();
      run.logits = logits.data();
      engine.run(run);
    }
  };
  const auto analysed = [&] {
    std::size_t at = 0;
    collect(engine,
            [&](LabelledImages& batch) {
              if (at == pixels.size()) return false;
              batch = {pixels[at].data(), labels[at]};
              ++at;
              return true;
            },
            {});
  };
  // In turns, so that both see the same of whatever else the machine does; the fastest of each counts.
  double without = 1e9, with = 1e9;
  for (int turn = 0; turn < 7; ++turn) {
    without = std::min(without, seconds_of(alone));
    with = std::min(with, seconds_of(analysed));
  }
  std::printf("%ld images: the pass %.3f s, with analysis %.3f s: %+.1f %%\n",
              static_cast<long>(dataset->size()), without, with, 100 * (with / without - 1));
}

}  // namespace
}  // namespace deepmoe

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "co-activation") {
    deepmoe::co_activation();
  } else if (mode == "memory") {
    deepmoe::memory(argc > 2 ? std::stol(argv[2]) : 1000000);
  } else if (mode == "pass" && argc == 4) {
    deepmoe::pass(argv[2], argv[3]);
  } else {
    std::cerr << "usage: bench_analysis co-activation | memory [IMAGES] | pass WEIGHTS IMAGES\n";
    return 2;
  }
}
