// How many images a second the input pipeline gives: alone, and through the loader with one worker.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "data/data.hpp"
#include "data/random.hpp"
#include "data/synthetic.hpp"

namespace deepmoe {
namespace {

/// As CIFAR: planar bytes of 32 x 32 in memory.
std::shared_ptr<const Dataset> images_in_memory(std::int64_t count, bool channels_last) {
  const auto pixels = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(count) * 3072);
  RandomStream random(1);
  for (std::uint8_t& pixel : *pixels) pixel = static_cast<std::uint8_t>(random.next());
  const std::vector<std::int64_t> labels(static_cast<std::size_t>(count));
  return array_dataset(pixels->data(), PixelType::u8, labels.data(), count, 3, 32, 32, channels_last, 10,
                       pixels);
}

Transform augmentation(const Dataset& dataset) {
  Transform transform = evaluation_transform(dataset, dataset.image_size());
  transform.crop_padding = 4;
  transform.flip_probability = 0.5;
  return transform;
}

void transform_images(benchmark::State& state, const std::shared_ptr<const Dataset>& dataset) {
  const Transform transform = augmentation(*dataset);
  std::vector<float> output(static_cast<std::size_t>(3 * transform.image_size * transform.image_size));
  std::vector<std::byte> scratch;
  std::int64_t index = 0;
  for (auto _ : state) {
    apply_transform(transform, dataset->image(index, scratch), static_cast<std::uint64_t>(index),
                    output.data());
    benchmark::DoNotOptimize(output.data());
    index = (index + 1) % dataset->size();
  }
  state.SetItemsProcessed(state.iterations());
}

void load_batches(benchmark::State& state, const std::shared_ptr<const Dataset>& dataset) {
  const Transform transform = augmentation(*dataset);
  std::int64_t images = 0, epoch = 0;
  for (auto _ : state) {
    Loader loader(dataset, transform,
                  {.batch_size = 64, .shuffle = true, .epoch = epoch++, .num_workers = state.range(0)});
    Batch batch;
    while (loader.next(batch)) images += batch.size;
  }
  state.SetItemsProcessed(images);
}

BENCHMARK_CAPTURE(transform_images, planar, images_in_memory(4096, false));
BENCHMARK_CAPTURE(transform_images, interleaved, images_in_memory(4096, true));
BENCHMARK_CAPTURE(transform_images, synthetic, synthetic_dataset(4096, 10, 32, 0, true));
BENCHMARK_CAPTURE(load_batches, planar, images_in_memory(4096, false))->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK_CAPTURE(load_batches, synthetic, synthetic_dataset(4096, 10, 32, 0, true))
    ->Arg(0)
    ->Arg(1)
    ->UseRealTime();

}  // namespace
}  // namespace deepmoe

BENCHMARK_MAIN();
