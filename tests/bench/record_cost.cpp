// What records, gate statistics and checkpoints cost: whole runs beside the same steps and the same
// validation in a bare loop, which keeps no account of gates and writes nothing. Interleaved; medians, and
// their ratio.
//
// usage: bench_record_cost [ROUNDS] [NAME=VALUE ...]     options of a run, e.g. dataset=folder data_dir=DIR
// width=1

#include <c10/core/GradMode.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "data/data.hpp"
#include "training/trainer.hpp"

namespace deepmoe {
namespace {

struct Seconds {
  double wall = 0.0, processor = 0.0;
};

Seconds now() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(), seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

Seconds timed(const std::function<void()>& work) {
  const Seconds start = now();
  work();
  const Seconds end = now();
  return {end.wall - start.wall, end.processor - start.processor};
}

Options options_of_run(const std::vector<std::string>& settings) {
  Options options;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"model", "resnet18_moe"},
                                                        {"width", "0.25"},
                                                        {"num_classes", "10"},
                                                        {"image_size", "32"},
                                                        {"device", "cpu"},
                                                        {"num_workers", "1"},
                                                        {"synthetic_train_size", "8000"},
                                                        {"epochs", "2"},
                                                        {"freeze_epochs", "0"},
                                                        {"synthetic_test_size", "2000"},
                                                        {"tensorboard", "true"}}) {
    options.set(name, value);
  }
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) fail(ErrorCode::invalid_argument, "'", setting, "' is not NAME=VALUE");
    options.set(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return options;
}

at::Tensor images_of(const Batch& batch, std::int64_t side) {
  return at::from_blob(const_cast<float*>(batch.images), {batch.size, 3, side, side}, at::kFloat);
}

at::Tensor labels_of(const Batch& batch) {
  return at::from_blob(const_cast<std::int64_t*>(batch.labels), {batch.size}, at::kLong);
}

/// Steps and validation as fit does them, and nothing else.
void run_bare(Trainer::Implementation& trainer, const std::shared_ptr<const Dataset>& train,
              const std::shared_ptr<const Dataset>& validation) {
  const Options& options = trainer.options;
  const std::int64_t side = options.integer("image_size");
  Batch batch;
  for (std::int64_t epoch = 0; epoch < options.integer("epochs"); ++epoch) {
    const LoaderOptions order = training_loader_options(*train, options, epoch);
    Loader loader(train, training_transform(*train, side, options), order);
    trainer.begin_epoch(epoch, count_batches(train->size(), order));
    while (loader.next(batch)) trainer.step(images_of(batch, side), labels_of(batch), false);

    const c10::NoGradGuard no_gradient;
    Loader judged(validation, evaluation_transform(*validation, side), evaluation_loader_options(options));
    double loss = 0.0, correct = 0.0;
    while (judged.next(batch)) {
      const Network::Outputs outputs = trainer.network.forward(images_of(batch, side), false);
      loss += compute_loss(outputs, labels_of(batch), trainer.loss_weights).total.item<double>();
      correct += outputs.logits.argmax(1).eq(labels_of(batch)).sum().item<double>();
    }
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

void compare(int rounds, Options options) {
  const auto train = open_dataset(options, "train"), validation = open_dataset(options, "test");
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  const auto epochs = static_cast<double>(options.integer("epochs"));
  std::vector<double> wall_bare, wall_run, processor_bare, processor_run, wall_ratio, processor_ratio;
  std::printf("%lld + %lld images, %s\n%-8s%14s%14s%14s%14s  seconds an epoch\n",
              static_cast<long long>(train->size()), static_cast<long long>(validation->size()),
              options.text("model").c_str(), "round", "bare", "run", "bare (cpu)", "run (cpu)");
  for (int round = 0; round < rounds; ++round) {
    Seconds bare, run;
    const auto time_bare = [&] {
      Trainer::Implementation trainer(Model::create(options), options);
      bare = timed([&] { run_bare(trainer, train, validation); });
    };
    const auto time_run = [&] {
      std::filesystem::remove_all(out);
      Options recorded = options;
      recorded.set("out", out);
      Trainer trainer(Model::create(recorded), recorded);
      run = timed([&] { trainer.fit(train, validation, {}); });
    };
    // What comes second finds warmer caches or a hotter processor.
    if (round % 2 == 0) {
      time_bare();
      time_run();
    } else {
      time_run();
      time_bare();
    }
    std::printf("%-8d%14.3f%14.3f%14.3f%14.3f\n", round + 1, bare.wall / epochs, run.wall / epochs,
                bare.processor / epochs, run.processor / epochs);
    std::fflush(stdout);
    wall_bare.push_back(bare.wall / epochs);
    wall_run.push_back(run.wall / epochs);
    processor_bare.push_back(bare.processor / epochs);
    processor_run.push_back(run.processor / epochs);
    wall_ratio.push_back(run.wall / bare.wall);
    processor_ratio.push_back(run.processor / bare.processor);
  }
  std::printf("%-8s%14.3f%14.3f%14.3f%14.3f\n", "median", median(wall_bare), median(wall_run),
              median(processor_bare), median(processor_run));
  std::printf("run / bare, medians of the rounds' ratios: %.4f of the time, %.4f of the processors' time\n",
              median(wall_ratio), median(processor_ratio));
}

}  // namespace
}  // namespace deepmoe

int main(int argc, char** argv) {
  try {
    std::vector<std::string> settings(argv + 1, argv + argc);
    int rounds = 5;
    if (!settings.empty() && settings.front().find('=') == std::string::npos) {
      rounds = std::stoi(settings.front());
      settings.erase(settings.begin());
    }
    deepmoe::compare(std::max(rounds, 1), deepmoe::options_of_run(settings));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_record_cost: %s\n", error.what());
    return 1;
  }
  return 0;
}
