#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/temporary_folder.hpp"
#include "data/data.hpp"
#include "data/folder.hpp"
#include "source_folder.hpp"

using namespace deepmoe;

namespace {

/// The folder with archives of real images: DEEPMOE_TEST_DATA, or shared/data beside the source tree.
std::string test_data() {
  if (const char* given = std::getenv("DEEPMOE_TEST_DATA")) return given;
  return source_folder() + "/../shared/data";
}

/// Unpacks an archive; says why not and returns false where that can't be done.
bool unpack(const std::string& archive, const TemporaryFolder& folder) {
  const std::string path = test_data() + "/" + archive;
  if (!std::filesystem::exists(path)) {
    std::cout << "SKIPPED: there is no " << path << "; set DEEPMOE_TEST_DATA to the folder of the archives\n";
    return false;
  }
  const std::string command = "tar xzf '" + path + "' -C '" + folder.path() + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  return true;
}

/// Reads every image once through the loader and returns the mean and deviation of its normalised pixels.
struct Statistics {
  double mean = 0.0, deviation = 0.0;
};

Statistics read_all(const std::shared_ptr<const Dataset>& dataset, std::int64_t image_size) {
  Loader loader(dataset, evaluation_transform(*dataset, image_size), {.batch_size = 50, .num_workers = 2});
  Batch batch;
  double sum = 0.0, squares = 0.0;
  std::int64_t images = 0;
  while (loader.next(batch)) {
    for (std::int64_t i = 0; i < batch.size * 3 * image_size * image_size; ++i) {
      const auto value = static_cast<double>(batch.images[i]);
      sum += value;
      squares += value * value;
    }
    images += batch.size;
  }
  CHECK(images == dataset->size());
  const double count = static_cast<double>(images * 3 * image_size * image_size);
  return {sum / count, std::sqrt(squares / count - sum / count * sum / count)};
}

}  // namespace

TEST_CASE("real PNG images of CIFAR-100 are read and normalised") {
  const TemporaryFolder folder;
  if (!unpack("cifar100-png-subset.tar.gz", folder)) return;
  const auto train = folder_dataset(folder.path(), true), test = folder_dataset(folder.path(), false);
  CHECK(train->num_classes() == 100);
  CHECK(train->class_names() == test->class_names());
  CHECK(train->size() + test->size() == 13000);
  CHECK(train->image_size() == 32);
  const Statistics statistics = read_all(train, 32);
  CHECK(std::abs(statistics.mean) < 0.2);
  CHECK(statistics.deviation == doctest::Approx(1.0).epsilon(0.15));
}

TEST_CASE("real JPEG photographs are read resized and normalised") {
  const TemporaryFolder folder;
  if (!unpack("imagenette-jpeg-subset.tar.gz", folder)) return;
  const auto train = folder_dataset(folder.path(), true);
  CHECK(train->num_classes() == 10);
  CHECK(train->image_size() == 224);
  for (const std::int64_t size : {64, 224}) {
    const Statistics statistics = read_all(train, size);
    CHECK(std::abs(statistics.mean) < 0.3);
    CHECK(statistics.deviation == doctest::Approx(1.0).epsilon(0.25));
  }
}
