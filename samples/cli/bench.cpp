#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "freed_memory.hpp"
#include "handle.hpp"
#include "option_flags.hpp"
#include "resident_memory.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

struct Settings {
  OptionFlags flags;
  std::int64_t steps = 30;
  std::int64_t warmup = 5;
  bool json = false;
};

/// One batch of noise in memory.
struct Noise {
  Noise(std::int64_t batch, std::int64_t size, std::int64_t num_classes)
      : images(static_cast<std::size_t>(batch * 3 * size * size)), labels(static_cast<std::size_t>(batch)) {
    std::mt19937 generator(0);
    std::normal_distribution<float> pixel;
    std::uniform_int_distribution<std::int64_t> label(0, num_classes - 1);
    for (float& value : images) value = pixel(generator);
    for (std::int64_t& value : labels) value = label(generator);
  }
  std::vector<float> images;
  std::vector<std::int64_t> labels;
};

/// Milliseconds a step. A GPU works on after a step's call returns, so there several steps are timed
/// together, up to a point where their results are read.
std::vector<double> time_steps(const TrainerHandle& trainer, const Noise& noise, std::int64_t batch,
                               std::int64_t size, const Settings& settings, bool on_cpu) {
  const auto step = [&] {
    call(dmoe_trainer_step_f32, trainer.get(), noise.images.data(), noise.labels.data(), batch, size, size,
         static_cast<double*>(nullptr));
  };
  const auto wait = [&] { text_from(dmoe_trainer_metrics, trainer.get()); };
  for (std::int64_t i = 0; i < settings.warmup; ++i) step();
  wait();
  const std::int64_t together = on_cpu ? 1 : std::min<std::int64_t>(10, settings.steps);
  std::vector<double> times;
  for (std::int64_t done = 0; done < settings.steps; done += together) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < together; ++i) step();
    if (!on_cpu) wait();
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    times.push_back(elapsed.count() / static_cast<double>(together));
  }
  wait();
  std::sort(times.begin(), times.end());
  return times;
}

/// The value below which `share` of the sorted times lie.
double quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below] * (1 - weight) + sorted[above] * weight;
}

int bench_train(const Settings& settings) {
  keep_freed_memory();
  const OptionsHandle options = settings.flags.configured();
  const auto complete = [&](const char* name, const char* value) {
    if (option_value(options, name) == "0") set_option(options, name, value);
  };
  complete("num_classes", "10");
  complete("image_size", "32");
  // Noise can't be learnt, and the usual rates would end in infinities, with which arithmetic is slower.
  if (!settings.flags.given("lr")) set_option(options, "lr", "0.001");
  check_architecture(options);

  const MemoryWatch memory;
  ModelHandle model;
  call(dmoe_model_create, static_cast<const dmoe_options*>(options.get()),
       static_cast<const dmoe_dataset*>(nullptr), model.out());
  TrainerHandle trainer;
  call(dmoe_trainer_create, model.get(), static_cast<const dmoe_options*>(options.get()), trainer.out());
  const std::int64_t batch = option_integer(options, "batch_size");
  const std::int64_t size = option_integer(options, "image_size");
  const Noise noise(batch, size, option_integer(options, "num_classes"));
  const ordered_json description =
      json_from(dmoe_model_describe, static_cast<const dmoe_model*>(model.get()));
  const std::string device = description.at("device");
  const std::vector<double> times = time_steps(trainer, noise, batch, size, settings, device == "cpu");
  const std::optional<double> megabytes = memory.peak_megabytes();

  const ordered_json machine = json_from(dmoe_diagnose).at("libtorch");
  const double median = quantile(times, 0.5);
  ordered_json result = {{"model", option_value(options, "model")},
                         {"batch_size", batch},
                         {"image_size", size},
                         {"variant", description.at("options").at("variant")},
                         {"optimizer", option_value(options, "optimizer")},
                         {"amp", option_value(options, "amp")},
                         {"device", device},
                         {"threads", machine.at("threads")},
                         {"libtorch", machine.at("version")},
                         {"steps", settings.steps},
                         {"step_ms", median},
                         {"step_ms_min", times.front()},
                         {"step_ms_p90", quantile(times, 0.9)},
                         {"images_per_second", 1000.0 * static_cast<double>(batch) / median}};
  if (megabytes) result["memory_mb"] = *megabytes;
  if (settings.json) {
    std::cout << result.dump() << "\n";
    return succeeded;
  }
  Table table;
  for (const auto& [key, value] : result.items()) {
    table.add({key, value.is_number_float() ? fixed(value, 2) : option_text(value)});
  }
  std::cout << table.text();
  return succeeded;
}

}  // namespace

void add_bench(CLI::App& root, Action& action) {
  CLI::App& bench = *root.add_subcommand("bench", "Measure speed");
  bench.require_subcommand(1);
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *bench.add_subcommand("train", "Time training steps on random images in memory");
  app.add_option("--steps", settings->steps, "Steps that are timed [30]")
      ->type_name("INTEGER")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--warmup", settings->warmup, "Steps before them [5]")
      ->type_name("INTEGER")
      ->check(CLI::Range(0, 1000000));
  app.add_flag("--json", settings->json, "Print one line of JSON");
  settings->flags.add_config_to(app);
  settings->flags.add_to(
      app, {{"general", "model", "loss", "optimizer", "training"}, {"num_classes", "image_size", "plugin"}});
  app.footer(
      "step_ms is the median, in milliseconds; p90 is the time within which 9 of 10 steps ended. memory_mb "
      "is what the training took at its peak: model, optimizer, images and step.");
  app.callback([settings, &action] { action = [settings] { return bench_train(*settings); }; });
  add_bench_infer(bench, action);
  add_bench_data(bench, action);
}

}  // namespace deepmoe::command
