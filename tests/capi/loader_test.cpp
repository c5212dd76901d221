#include <cmath>
#include <set>
#include <vector>

#include "capi/small_network.hpp"

using namespace deepmoe::capi_test;

namespace {

struct Pass {
  std::vector<int64_t> sizes, labels;
  std::vector<float> images;
  bool operator==(const Pass&) const = default;
};

Owned<dmoe_dataset> opened(const Owned<dmoe_options>& options) {
  Owned<dmoe_dataset> dataset;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_dataset_open(options, "train", dataset.out(), error); });
  return dataset;
}

Owned<dmoe_loader> loader_of(const Owned<dmoe_dataset>& dataset, const Owned<dmoe_options>& options,
                             int32_t training, int64_t epoch, int64_t first_batch = 0) {
  Owned<dmoe_loader> loader;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_loader_create(dataset, options, training, epoch, first_batch, loader.out(), error);
  });
  return loader;
}

Pass read_all(const Owned<dmoe_loader>& loader) {
  Pass pass;
  for (;;) {
    const float* images = nullptr;
    const int64_t* labels = nullptr;
    int64_t size = -1;
    check_succeeds(
        [&](dmoe_error** error) { return dmoe_loader_next(loader, &images, &labels, &size, error); });
    if (size == 0) {
      CHECK(images == nullptr);
      CHECK(labels == nullptr);
      return pass;
    }
    const int64_t image_size = dmoe_loader_image_size(loader);
    pass.sizes.push_back(size);
    pass.labels.insert(pass.labels.end(), labels, labels + size);
    pass.images.insert(pass.images.end(), images, images + size * 3 * image_size * image_size);
  }
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "a loader of the C interface hands out every image of a data set") {
  const Owned<dmoe_options> options = small_options({{"batch_size", 24}});
  Owned<dmoe_dataset> dataset = opened(options);
  const Owned<dmoe_loader> loader = loader_of(dataset, options, 0, 0);
  CHECK(dmoe_loader_num_batches(loader) == 3);
  CHECK(dmoe_loader_image_size(loader) == side);
  dataset.reset();
  const Pass pass = read_all(loader);
  CHECK(pass.sizes == std::vector<int64_t>{24, 24, 16});
  CHECK(pass.labels.size() == 64);
  CHECK(std::set<int64_t>(pass.labels.begin(), pass.labels.end()).size() == 4);
  for (const float value : pass.images) REQUIRE(std::isfinite(value));
  CHECK(read_all(loader) == Pass{});
}

TEST_CASE_FIXTURE(NoLeaks, "training batches depend on seed and epoch and not on the workers") {
  const Owned<dmoe_options> none = small_options({{"num_workers", 0}, {"random_augment", 2}});
  const Owned<dmoe_options> two = small_options({{"num_workers", 2}, {"random_augment", 2}});
  const Owned<dmoe_dataset> dataset = opened(none);
  const Pass first = read_all(loader_of(dataset, none, 1, 0));
  CHECK(first == read_all(loader_of(dataset, two, 1, 0)));
  CHECK(first != read_all(loader_of(dataset, two, 1, 1)));
  CHECK(first != read_all(loader_of(dataset, two, 0, 0)));
}

TEST_CASE_FIXTURE(NoLeaks, "a pass that begins at a later batch is the rest of the whole one") {
  const Owned<dmoe_options> options = small_options({{"batch_size", 24}, {"random_augment", 2}});
  const Owned<dmoe_dataset> dataset = opened(options);
  const Pass whole = read_all(loader_of(dataset, options, 1, 2));
  const Owned<dmoe_loader> loader = loader_of(dataset, options, 1, 2, 2);
  CHECK(dmoe_loader_num_batches(loader) == 3);
  const Pass rest = read_all(loader);
  CHECK(rest.sizes == std::vector<int64_t>{16});
  CHECK(rest.labels == std::vector<int64_t>(whole.labels.begin() + 48, whole.labels.end()));
  CHECK(rest.images == std::vector<float>(whole.images.end() - 16 * 3 * side * side, whole.images.end()));
  CHECK(read_all(loader_of(dataset, options, 1, 2, 3)) == Pass{});
}

TEST_CASE_FIXTURE(NoLeaks, "a loader refuses what it does not know and may be released at any time") {
  const Owned<dmoe_options> options = small_options();
  const Owned<dmoe_dataset> dataset = opened(options);
  Owned<dmoe_loader> loader;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "training is 2", [&](dmoe_error** error) {
    return dmoe_loader_create(dataset, options, 2, 0, 0, loader.out(), error);
  });
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "epoch is -1", [&](dmoe_error** error) {
    return dmoe_loader_create(dataset, options, 1, -1, 0, loader.out(), error);
  });
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "first_batch is -1", [&](dmoe_error** error) {
    return dmoe_loader_create(dataset, options, 1, 0, -1, loader.out(), error);
  });
  CHECK(dmoe_loader_num_batches(nullptr) == 0);
  CHECK(dmoe_loader_image_size(nullptr) == 0);
  loader_of(dataset, options, 1, 0).reset();
  CHECK(dmoe_live_objects(DMOE_KIND_LOADER) == 0);
}
