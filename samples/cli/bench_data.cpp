#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

struct Settings {
  OptionFlags flags;
  std::int64_t passes = 3;
  bool json = false;
};

struct Pass {
  std::int64_t images = 0;
  double seconds = 0;
  double images_per_second() const { return static_cast<double>(images) / seconds; }
};

/// Reads every batch of one training pass and leaves it at that.
Pass read_all(const DatasetHandle& dataset, const OptionsHandle& options, std::int64_t epoch,
              std::int64_t* image_size) {
  const auto start = std::chrono::steady_clock::now();
  LoaderHandle loader;
  call(dmoe_loader_create, static_cast<const dmoe_dataset*>(dataset.get()),
       static_cast<const dmoe_options*>(options.get()), std::int32_t{1}, epoch, std::int64_t{0},
       loader.out());
  *image_size = dmoe_loader_image_size(loader.get());
  Pass pass;
  std::int64_t size = 0;
  do {
    const float* images = nullptr;
    const std::int64_t* labels = nullptr;
    call(dmoe_loader_next, loader.get(), &images, &labels, &size);
    pass.images += size;
  } while (size > 0);
  pass.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return pass;
}

int bench_data(const Settings& settings) {
  const OptionsHandle options = settings.flags.configured();
  DatasetHandle dataset;
  call(dmoe_dataset_open, static_cast<const dmoe_options*>(options.get()), "train", dataset.out());
  std::int64_t image_size = 0;
  // The first pass brings the files into memory and starts the threads.
  std::int64_t images = read_all(dataset, options, 0, &image_size).images;
  std::vector<double> rates;
  for (std::int64_t pass = 1; pass <= settings.passes; ++pass) {
    rates.push_back(read_all(dataset, options, pass, &image_size).images_per_second());
  }
  std::sort(rates.begin(), rates.end());
  const ordered_json result = {{"dataset", option_value(options, "dataset")},
                               {"images", images},
                               {"image_size", image_size},
                               {"batch_size", option_integer(options, "batch_size")},
                               {"workers", option_integer(options, "num_workers")},
                               {"passes", settings.passes},
                               {"images_per_second", rates[rates.size() / 2]},
                               {"images_per_second_min", rates.front()},
                               {"images_per_second_max", rates.back()}};
  if (settings.json) {
    std::cout << result.dump() << "\n";
    return succeeded;
  }
  Table table;
  for (const auto& [key, value] : result.items()) {
    table.add({key, value.is_number_float() ? fixed(value, 1) : option_text(value)});
  }
  std::cout << table.text();
  return succeeded;
}

}  // namespace

void add_bench_data(CLI::App& bench, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *bench.add_subcommand("data", "Time reading, decoding and augmenting training images");
  app.add_option("--passes", settings->passes,
                 "Passes over the images that are timed, after one that is not [3]")
      ->type_name("INTEGER")
      ->check(CLI::Range(1, 1000000));
  app.add_flag("--json", settings->json, "Print one line of JSON");
  settings->flags.add_config_to(app);
  settings->flags.add_to(app, {{"data"}, {"seed", "batch_size", "plugin"}});
  app.footer("images_per_second is the median of the passes.");
  app.callback([settings, &action] { action = [settings] { return bench_data(*settings); }; });
}

}  // namespace deepmoe::command
