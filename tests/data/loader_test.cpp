#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <numeric>
#include <set>

#include "base/require_error.hpp"
#include "data/data.hpp"
#include "data/numbered_dataset.hpp"
#include "data/synthetic.hpp"

using namespace deepmoe;

namespace {

/// All that a pass hands out, copied.
struct Pass {
  std::vector<std::int64_t> sizes, labels, indices;
  std::vector<float> images;
  bool operator==(const Pass&) const = default;
};

Pass run(const std::shared_ptr<const Dataset>& dataset, const Transform& transform,
         const LoaderOptions& options) {
  Loader loader(dataset, transform, options);
  Pass pass;
  Batch batch;
  while (loader.next(batch)) {
    pass.sizes.push_back(batch.size);
    pass.labels.insert(pass.labels.end(), batch.labels, batch.labels + batch.size);
    pass.indices.insert(pass.indices.end(), batch.indices, batch.indices + batch.size);
    pass.images.insert(pass.images.end(), batch.images,
                       batch.images + batch.size * 3 * transform.image_size * transform.image_size);
  }
  CHECK(static_cast<std::int64_t>(pass.sizes.size()) == loader.num_batches());
  CHECK_FALSE(loader.next(batch));
  return pass;
}

}  // namespace

TEST_CASE("batches come in the order of the data set with their labels and the last one is smaller") {
  const auto dataset = std::make_shared<NumberedDataset>(107);
  for (const std::int64_t workers : {0, 1, 3}) {
    const Pass pass = run(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 25, .num_workers = workers});
    CHECK(pass.sizes == std::vector<std::int64_t>{25, 25, 25, 25, 7});
    std::vector<std::int64_t> expected(107);
    std::iota(expected.begin(), expected.end(), std::int64_t{0});
    CHECK(pass.indices == expected);
    for (std::size_t i = 0; i < 107; ++i) {
      CHECK(pass.labels[i] == static_cast<std::int64_t>(i % 3));
      for (std::size_t k = 0; k < 48; ++k) REQUIRE(pass.images[i * 48 + k] == static_cast<float>(i));
    }
  }
}

TEST_CASE("an incomplete last batch is dropped on demand") {
  const auto dataset = std::make_shared<NumberedDataset>(107);
  const Pass pass =
      run(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 25, .drop_last = true, .num_workers = 2});
  CHECK(pass.sizes == std::vector<std::int64_t>{25, 25, 25, 25});
  CHECK(run(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 200, .drop_last = true}).sizes.empty());
}

TEST_CASE("order and augmentation are the same bits for any number of workers") {
  const auto dataset = synthetic_dataset(333, 10, 16, 4, true);
  const Transform transform{16, 2, 0.5, dataset->normalization()};
  const LoaderOptions base{.batch_size = 50, .shuffle = true, .seed = 9, .epoch = 3};
  const Pass expected = run(dataset, transform, base);
  CHECK(std::set<std::int64_t>(expected.indices.begin(), expected.indices.end()).size() == 333);
  CHECK_FALSE(std::is_sorted(expected.indices.begin(), expected.indices.end()));
  for (const std::int64_t workers : {1, 2, 3, 8}) {
    for (const std::int64_t prefetch : {1, 4, 100}) {
      LoaderOptions options = base;
      options.num_workers = workers;
      options.prefetch = prefetch;
      CHECK(run(dataset, transform, options) == expected);
    }
  }
}

TEST_CASE("every kind of augmentation gives the same bits for any number of workers") {
  const auto dataset = synthetic_dataset(90, 10, 24, 4, true);
  Transform transform{20, 2, 0.5, dataset->normalization()};
  const LoaderOptions base{.batch_size = 40, .shuffle = true, .seed = 9, .epoch = 3};
  const Pass plain = run(dataset, transform, base);
  for (const auto& change : std::initializer_list<void (*)(Transform&)>{
           [](Transform& t) { t.random_resized_crop = true; }, [](Transform& t) { t.color_jitter = 0.4; },
           [](Transform& t) { t.random_augment = 2; }, [](Transform& t) { t.random_erasing = 0.5; }}) {
    change(transform);
    const Pass expected = run(dataset, transform, base);
    CHECK(expected.indices == plain.indices);
    CHECK(expected.images != plain.images);
    for (const std::int64_t workers : {1, 3}) {
      LoaderOptions options = base;
      options.num_workers = workers;
      CHECK(run(dataset, transform, options) == expected);
    }
    LoaderOptions next = base;
    next.epoch = 4;
    next.shuffle = false;
    LoaderOptions same = base;
    same.shuffle = false;
    CHECK(run(dataset, transform, next).images != run(dataset, transform, same).images);
  }
}

TEST_CASE("a pass that begins at a later batch is the rest of the whole one and decodes nothing before it") {
  const auto dataset = std::make_shared<NumberedDataset>(107);
  const Transform transform{4, 0, 0.0, {}};
  const LoaderOptions base{.batch_size = 10, .shuffle = true, .seed = 9, .epoch = 3};
  const Pass whole = run(dataset, transform, base);
  for (const std::int64_t workers : {0, 1, 3}) {
    for (const std::int64_t first : {0, 1, 4, 10, 11, 12}) {
      LoaderOptions options = base;
      options.first_batch = first;
      options.num_workers = workers;
      const std::int64_t made_before = dataset->images_made;
      Loader loader(dataset, transform, options);
      CHECK(loader.num_batches() == 11);
      std::vector<std::int64_t> indices;
      std::vector<float> images;
      Batch batch;
      while (loader.next(batch)) {
        indices.insert(indices.end(), batch.indices, batch.indices + batch.size);
        images.insert(images.end(), batch.images, batch.images + batch.size * 48);
      }
      const auto skipped = static_cast<std::ptrdiff_t>(std::min<std::int64_t>(10 * first, 107));
      CHECK(indices == std::vector<std::int64_t>(whole.indices.begin() + skipped, whole.indices.end()));
      CHECK(images == std::vector<float>(whole.images.begin() + 48 * skipped, whole.images.end()));
      CHECK(dataset->images_made - made_before == 107 - skipped);
    }
  }
}

TEST_CASE("batches of shards together are those of a larger batch") {
  const auto dataset = std::make_shared<NumberedDataset>(107, 4);
  const Transform transform{4, 1, 0.5, {}};
  const LoaderOptions whole{.batch_size = 30, .shuffle = true, .seed = 3, .epoch = 2};
  const Pass one = run(dataset, transform, whole);
  std::vector<Pass> shards;
  for (std::int64_t index = 0; index < 3; ++index) {
    LoaderOptions options = whole;
    options.batch_size = 10;
    options.num_workers = index;
    options.shard = {index, 3};
    shards.push_back(run(dataset, transform, options));
  }
  CHECK(shards[0].indices.size() == 36);
  CHECK(shards[2].indices.size() == 35);
  for (std::size_t position = 0; position < one.indices.size(); ++position) {
    CHECK(shards[position % 3].indices[position / 3] == one.indices[position]);
  }
}

TEST_CASE("equal shards leave out the fewest images that they can") {
  const auto dataset = std::make_shared<NumberedDataset>(107, 4);
  std::set<std::int64_t> seen;
  for (std::int64_t index = 0; index < 4; ++index) {
    const Pass pass = run(dataset, Transform{4, 0, 0.0, {}},
                          {.batch_size = 10, .shuffle = true, .shard = {index, 4, true}});
    CHECK(pass.sizes == std::vector<std::int64_t>{10, 10, 6});
    seen.insert(pass.indices.begin(), pass.indices.end());
  }
  CHECK(seen.size() == 104);
}

TEST_CASE("another epoch or seed gives another order and other crops") {
  const auto dataset = synthetic_dataset(64, 10, 16, 4, true);
  const Transform transform{16, 2, 0.5, dataset->normalization()};
  const Pass first = run(dataset, transform, {.shuffle = true, .seed = 1, .epoch = 0});
  const Pass epoch = run(dataset, transform, {.shuffle = true, .seed = 1, .epoch = 1});
  const Pass seed = run(dataset, transform, {.shuffle = true, .seed = 2, .epoch = 0});
  CHECK(first.indices != epoch.indices);
  CHECK(first.indices != seed.indices);
  const Pass unshuffled = run(dataset, transform, {.seed = 1, .epoch = 0});
  const Pass unshuffled_next = run(dataset, transform, {.seed = 1, .epoch = 1});
  CHECK(unshuffled.indices == unshuffled_next.indices);
  CHECK(unshuffled.images != unshuffled_next.images);
}

TEST_CASE("a sample's augmentation does not depend on its place in the order") {
  const auto dataset = synthetic_dataset(40, 10, 16, 4, true);
  const Transform transform{16, 2, 0.5, dataset->normalization()};
  const Pass plain = run(dataset, transform, {.batch_size = 7, .seed = 1});
  const Pass shuffled = run(dataset, transform, {.batch_size = 11, .shuffle = true, .seed = 1});
  for (std::size_t i = 0; i < 40; ++i) {
    const auto index = static_cast<std::size_t>(shuffled.indices[i]);
    CHECK(std::equal(plain.images.begin() + static_cast<std::ptrdiff_t>(index * 768),
                     plain.images.begin() + static_cast<std::ptrdiff_t>((index + 1) * 768),
                     shuffled.images.begin() + static_cast<std::ptrdiff_t>(i * 768)));
  }
}

TEST_CASE("batches lie in memory that the caller gave and keep it as long as the loader lives") {
  const auto dataset = std::make_shared<NumberedDataset>(50);
  const Transform transform{4, 0, 0.0, {}};
  std::atomic<std::int64_t> given = 0, living = 0;
  LoaderOptions options{.batch_size = 8, .num_workers = 2, .prefetch = 2};
  options.allocate = [&](std::size_t bytes) {
    given += static_cast<std::int64_t>(bytes);
    ++living;
    return std::shared_ptr<void>(::operator new(bytes), [&](void* memory) {
      --living;
      ::operator delete(memory);
    });
  };
  const Pass own = run(dataset, transform, options);
  CHECK(own == run(dataset, transform, {.batch_size = 8}));
  // One place for what the caller holds, and two ahead.
  CHECK(given == 3 * 8 * (48 * 4 + 8));
  CHECK(living == 0);
}

TEST_CASE("workers run ahead of the caller but no further than prefetch batches") {
  const auto dataset = std::make_shared<NumberedDataset>(1000);
  Loader loader(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 10, .num_workers = 2, .prefetch = 3});
  Batch batch;
  REQUIRE(loader.next(batch));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (dataset->images_made < 40 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(dataset->images_made == 40);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(dataset->images_made == 40);
  CHECK(dataset->highest_index == 39);
  // What the caller holds has not been written over.
  for (std::int64_t i = 0; i < 10; ++i) CHECK(batch.images[i * 48] == static_cast<float>(i));
}

TEST_CASE("as many workers as asked for wait for slow images at once") {
  const auto dataset = std::make_shared<NumberedDataset>(400);
  dataset->delay = std::chrono::microseconds(3000);
  Loader loader(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 200, .num_workers = 5, .prefetch = 2});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (dataset->images_made < 400 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(dataset->images_made == 400);
  CHECK(dataset->most_inside == 5);
}

TEST_CASE("without workers nothing is made before it is asked for") {
  const auto dataset = std::make_shared<NumberedDataset>(100);
  Loader loader(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 10});
  CHECK(dataset->images_made == 0);
  Batch batch;
  REQUIRE(loader.next(batch));
  CHECK(dataset->images_made == 10);
}

TEST_CASE("an error of a worker arrives at the batch that it belongs to") {
  for (const std::int64_t workers : {0, 1, 3}) {
    const auto dataset = std::make_shared<NumberedDataset>(100);
    dataset->broken_index = 57;
    Loader loader(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 20, .num_workers = workers});
    Batch batch;
    CHECK(loader.next(batch));
    CHECK(loader.next(batch));
    require_error(ErrorCode::format, {"image 57 is broken"}, [&] { loader.next(batch); });
  }
}

TEST_CASE("a loader that is dropped midway stops at once") {
  const auto dataset = std::make_shared<NumberedDataset>(100000);
  dataset->delay = std::chrono::microseconds(2000);
  const auto start = std::chrono::steady_clock::now();
  {
    Loader loader(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 1000, .num_workers = 3, .prefetch = 8});
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  // A whole batch would take two seconds.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(1500));
  const std::int64_t made = dataset->images_made;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(dataset->images_made == made);
}

TEST_CASE("many short passes leave nothing behind") {
  const auto dataset = std::make_shared<NumberedDataset>(200);
  for (int i = 0; i < 200; ++i) {
    Loader loader(dataset, Transform{4, 0, 0.0, {}}, {.batch_size = 16, .num_workers = 4, .prefetch = 2});
    Batch batch;
    for (int taken = 0; taken < i % 14; ++taken) loader.next(batch);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (dataset.use_count() > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(dataset.use_count() == 1);
}

TEST_CASE("a loader that is dropped lets go of its data set though all threads are busy elsewhere") {
  const auto slow = std::make_shared<NumberedDataset>(1000);
  slow->delay = std::chrono::seconds(1);
  const auto cores = static_cast<std::int64_t>(std::max(2U, std::thread::hardware_concurrency()));
  const Loader busy(slow, Transform{4, 0, 0.0, {}},
                    {.batch_size = 1, .num_workers = cores, .prefetch = 1000});
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
  while (slow->inside < cores && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  const auto dataset = std::make_shared<NumberedDataset>(200);
  {
    const Loader loader(dataset, Transform{4, 0, 0.0, {}},
                        {.batch_size = 16, .num_workers = 1, .prefetch = 2});
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (dataset.use_count() > 1 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(dataset.use_count() == 1);
}

TEST_CASE("threads come to a loader soon though many were dropped while the processors were busy") {
  const auto dataset = std::make_shared<NumberedDataset>(200);
  const LoaderOptions options{.batch_size = 16, .num_workers = 1, .prefetch = 2};
  std::vector<std::jthread> busy;
  for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency(); ++i) {
    busy.emplace_back([](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
      }
    });
  }
  for (int i = 0; i < 500; ++i) {
    const Loader dropped(dataset, Transform{4, 0, 0.0, {}}, options);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  const auto last = std::make_shared<NumberedDataset>(200);
  const Loader loader(last, Transform{4, 0, 0.0, {}}, options);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (last->images_made == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(last->images_made > 0);
}

TEST_CASE("an empty data set has no batches") {
  CHECK(
      run(std::make_shared<NumberedDataset>(0), Transform{4, 0, 0.0, {}}, {.num_workers = 2}).sizes.empty());
}

TEST_CASE("senseless loader options are refused") {
  const auto dataset = std::make_shared<NumberedDataset>(10);
  const auto make = [&](const LoaderOptions& options) {
    Loader loader(dataset, Transform{4, 0, 0.0, {}}, options);
  };
  require_error(ErrorCode::invalid_argument, {"batch_size is 0"}, [&] { make({.batch_size = 0}); });
  require_error(ErrorCode::invalid_argument, {"num_workers is -1"}, [&] { make({.num_workers = -1}); });
  require_error(ErrorCode::invalid_argument, {"prefetch is 0"}, [&] { make({.prefetch = 0}); });
  require_error(ErrorCode::invalid_argument, {"first_batch is -1"}, [&] { make({.first_batch = -1}); });
  require_error(ErrorCode::invalid_argument, {"shard 2 of 2"}, [&] { make({.shard = {2, 2}}); });
  require_error(ErrorCode::invalid_argument, {"no data set"},
                [] { Loader loader(nullptr, Transform{4, 0, 0.0, {}}, {}); });
}
