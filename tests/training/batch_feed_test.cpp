#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/batch_feed.hpp"

#include "model/device.hpp"
#include "training/random_dataset.hpp"

using namespace deepmoe;

namespace {

/// All batches of a pass, on the CPU.
std::vector<at::Tensor> pass(const at::Device& device) {
  const auto dataset = test::small_dataset("train", 50);
  BatchFeed feed(dataset, evaluation_transform(*dataset, 16),
                 {.batch_size = 8, .shuffle = true, .num_workers = 2}, device);
  std::vector<at::Tensor> tensors;
  at::Tensor images, labels;
  while (feed.next(images, labels)) {
    CHECK((images.device().type() == device.type()));
    CHECK((labels.scalar_type() == at::kLong));
    CHECK(images.size(0) == labels.size(0));
    for (const at::Tensor& tensor : {images, labels}) tensors.push_back(tensor.to(at::kCPU, false, true));
  }
  CHECK_FALSE(feed.next(images, labels));
  return tensors;
}

}  // namespace

TEST_CASE("a feed hands out the batches of a loader as tensors") {
  const auto dataset = test::small_dataset("train", 50);
  Loader loader(dataset, evaluation_transform(*dataset, 16), {.batch_size = 8, .shuffle = true});
  const std::vector<at::Tensor> tensors = pass(at::kCPU);
  REQUIRE(tensors.size() == 14);
  Batch batch;
  for (std::size_t i = 0; loader.next(batch); i += 2) {
    CHECK(tensors[i].equal(
        at::from_blob(const_cast<float*>(batch.images), {batch.size, 3, 16, 16}, at::kFloat)));
    CHECK(tensors[i + 1].equal(
        at::from_blob(const_cast<std::int64_t*>(batch.labels), {batch.size}, at::kLong)));
  }
}

TEST_CASE("a feed to CUDA copies the same batches from pinned memory") {
  if (!cuda_status().usable) {
    MESSAGE("SKIPPED: " << cuda_status().reason);
    return;
  }
  const std::vector<at::Tensor> here = pass(at::kCPU), there = pass(at::Device(at::kCUDA, 0));
  REQUIRE(here.size() == there.size());
  for (std::size_t i = 0; i < here.size(); ++i) CHECK(here[i].equal(there[i]));
}
