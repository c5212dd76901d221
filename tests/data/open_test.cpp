#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "data/data.hpp"
#include "data/encoded_images.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

TEST_CASE("the synthetic data set takes its sizes from the options") {
  Options options;
  options.set("dataset", "synthetic");
  options.set("synthetic_train_size", "70");
  options.set("synthetic_test_size", "30");
  const auto usual = open_dataset(options, "train");
  CHECK(usual->size() == 70);
  CHECK(usual->num_classes() == 10);
  CHECK(usual->image_size() == 32);
  options.set("num_classes", "25");
  options.set("image_size", "48");
  options.set("seed", "5");
  for (const std::string split : {"test", "val"}) {
    const auto dataset = open_dataset(options, split);
    CHECK(dataset->size() == 30);
    CHECK(dataset->num_classes() == 25);
    CHECK(dataset->image_size() == 48);
  }
  std::vector<std::byte> first, second;
  open_dataset(options, "train")->image(0, first);
  options.set("seed", "6");
  open_dataset(options, "train")->image(0, second);
  CHECK(first != second);
}

TEST_CASE("unknown splits are refused") {
  require_error(ErrorCode::invalid_argument, {"'holdout'", "train, test or val"},
                [] { open_dataset(Options(), "holdout"); });
}

TEST_CASE("a number of classes that differs from the folder's is refused with both") {
  const TemporaryFolder folder;
  for (const std::string name : {"a", "b", "c"}) {
    make_folder(folder.file("train/" + name));
    write_bytes(folder.file("train/" + name + "/1.png"), encode_png(smooth_image(8, 8, 3)));
  }
  Options options;
  options.set("dataset", "folder");
  options.set("data_dir", folder.path());
  CHECK(open_dataset(options, "train")->num_classes() == 3);
  options.set("num_classes", "3");
  CHECK(open_dataset(options, "train")->num_classes() == 3);
  options.set("num_classes", "4");
  require_error(ErrorCode::invalid_argument, {"num_classes is 4", "3 classes", folder.path()},
                [&] { open_dataset(options, "train"); });
}

TEST_CASE("the number of classes that a recipe brings does not stand against a folder") {
  const TemporaryFolder folder;
  make_folder(folder.file("train/a"));
  write_bytes(folder.file("train/a/1.png"), encode_png(smooth_image(8, 8, 3)));
  Options options;
  options.set("recipe", "seed");
  options.set("dataset", "folder");
  options.set("data_dir", folder.path());
  CHECK(open_dataset(options, "train")->num_classes() == 1);
}

TEST_CASE("data sets that are not there are reported with what was looked for") {
  const TemporaryFolder folder;
  Options options;
  options.set("data_dir", folder.path());
  options.set("dataset", "cifar10");
  require_error(ErrorCode::not_found, {"cifar-10-batches-py"}, [&] { open_dataset(options, "train"); });
  options.set("dataset", "cifar100");
  require_error(ErrorCode::not_found, {"cifar-100-python/test"}, [&] { open_dataset(options, "test"); });
}

TEST_CASE("images that are held out validate and are not learnt from") {
  Options options;
  options.set("synthetic_train_size", "100");
  options.set("synthetic_test_size", "30");
  options.set("validation_share", "0.2");
  const auto train = open_dataset(options, "train"), held_out = open_dataset(options, "val");
  CHECK(train->size() == 80);
  CHECK(held_out->size() == 20);
  CHECK(open_dataset(options, "test")->size() == 30);
  // They are training images: synthetic test images are others.
  std::vector<std::byte> scratch, other;
  options.set("validation_share", "0");
  const auto whole = open_dataset(options, "train");
  held_out->image(0, scratch);
  whole->image(4, other);
  CHECK(scratch == other);
  options.set("validation_share", "0.2");
  options.set("train_images", "50");
  CHECK(open_dataset(options, "train")->size() == 50);
  CHECK(open_dataset(options, "val")->size() == 20);
}
