#include "data/folder.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "data/encoded_images.hpp"
#include "data/normalization.hpp"
#include "data/random.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

TestImage plain_image(int side, int value) {
  TestImage image(side, side, 3);
  for (std::uint8_t& byte : image.pixels) byte = static_cast<std::uint8_t>(value);
  return image;
}

void write_png(const std::string& path, const TestImage& image) {
  make_folder(std::filesystem::path(path).parent_path().string());
  write_bytes(path, encode_png(image));
}

int first_byte(const Dataset& dataset, std::int64_t index, std::vector<std::byte>& scratch) {
  return *static_cast<const std::uint8_t*>(dataset.image(index, scratch).data);
}

}  // namespace

TEST_CASE("classes and images of a folder come in sorted order") {
  const TemporaryFolder folder;
  write_png(folder.file("train/dog/b.png"), plain_image(8, 30));
  write_png(folder.file("train/dog/a.PNG"), plain_image(8, 20));
  write_png(folder.file("train/cat/z.png"), plain_image(8, 10));
  write_png(folder.file("train/dog/deeper/c.png"), plain_image(8, 40));
  write_bytes(folder.file("train/cat/readme.txt"), "not an image");
  write_bytes(folder.file("train/list.csv"), "not a class");
  make_folder(folder.file("train/.cache"));
  const auto dataset = folder_dataset(folder.path(), true);
  CHECK(dataset->class_names() == std::vector<std::string>{"cat", "dog"});
  REQUIRE(dataset->size() == 4);
  CHECK(dataset->image_size() == 8);
  CHECK(dataset->description() == "folder " + folder.path() + " (train)");
  std::vector<std::byte> scratch;
  for (std::int64_t i = 0; i < 4; ++i) {
    CHECK(dataset->label(i) == (i == 0 ? 0 : 1));
    CHECK(first_byte(*dataset, i, scratch) == 10 * (i + 1));
  }
}

TEST_CASE("the test split is val where a folder has it and else test") {
  const TemporaryFolder folder;
  write_png(folder.file("train/cat/a.png"), plain_image(8, 1));
  write_png(folder.file("test/cat/a.png"), plain_image(8, 2));
  std::vector<std::byte> scratch;
  CHECK(first_byte(*folder_dataset(folder.path(), false), 0, scratch) == 2);
  write_png(folder.file("val/cat/a.png"), plain_image(8, 3));
  CHECK(first_byte(*folder_dataset(folder.path(), false), 0, scratch) == 3);
}

TEST_CASE("small images of one size stay decoded in memory") {
  const TemporaryFolder folder;
  write_png(folder.file("train/cat/a.png"), plain_image(16, 7));
  write_png(folder.file("train/cat/b.png"), plain_image(16, 8));
  const auto dataset = folder_dataset(folder.path(), true);
  CHECK(dataset->normalization().mean == kCifar10Normalization.mean);
  std::vector<std::byte> scratch;
  const ImageView decoded = dataset->image(0, scratch);
  CHECK(decoded.data == scratch.data());
  scratch.clear();
  std::filesystem::remove(folder.file("train/cat/a.png"));
  std::filesystem::remove(folder.file("train/cat/b.png"));
  CHECK(first_byte(*dataset, 0, scratch) == 7);
  CHECK(scratch.empty());
  require_error(ErrorCode::not_found, {"b.png"}, [&] { dataset->image(1, scratch); });
}

TEST_CASE("images of several sizes or shapes count as mixed") {
  const TemporaryFolder folder;
  write_png(folder.file("train/cat/a.png"), plain_image(16, 7));
  write_png(folder.file("train/cat/b.png"), plain_image(17, 8));
  const auto mixed = folder_dataset(folder.path(), true);
  CHECK(mixed->image_size() == 0);
  CHECK(mixed->normalization().mean == kImagenetNormalization.mean);
  std::vector<std::byte> scratch;
  CHECK(mixed->image(1, scratch).height == 17);
  const TemporaryFolder oblong;
  write_png(oblong.file("train/cat/a.png"), TestImage(8, 12, 3));
  CHECK(folder_dataset(oblong.path(), true)->image_size() == 0);
}

TEST_CASE("many threads may read one folder") {
  const TemporaryFolder folder;
  for (int i = 0; i < 40; ++i)
    write_png(folder.file("train/cat/" + std::to_string(100 + i) + ".png"), plain_image(8, i));
  const auto dataset = folder_dataset(folder.path(), true);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<std::byte> scratch;
      for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 40; ++i) wrong += first_byte(*dataset, i, scratch) != i;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("folders that can not be data sets say why") {
  const TemporaryFolder folder;
  const auto open = [&](bool training) { folder_dataset(folder.path(), training); };
  require_error(ErrorCode::not_found, {folder.file("absent"), "no such folder"},
                [&] { folder_dataset(folder.file("absent"), true); });
  require_error(ErrorCode::not_found, {folder.path(), "no folder train"}, [&] { open(true); });
  require_error(ErrorCode::not_found, {folder.path(), "val or test"}, [&] { open(false); });
  make_folder(folder.file("train"));
  require_error(ErrorCode::format, {folder.file("train"), "no class folders"}, [&] { open(true); });
  write_png(folder.file("train/cat/a.png"), plain_image(8, 1));
  make_folder(folder.file("train/dog"));
  write_bytes(folder.file("train/dog/notes.txt"), "x");
  require_error(ErrorCode::format, {folder.file("train/dog"), "no images"}, [&] { open(true); });
}

TEST_CASE("splits with different classes are refused with the difference") {
  const TemporaryFolder folder;
  write_png(folder.file("train/cat/a.png"), plain_image(8, 1));
  write_png(folder.file("train/dog/a.png"), plain_image(8, 1));
  write_png(folder.file("test/cat/a.png"), plain_image(8, 1));
  write_png(folder.file("test/horse/a.png"), plain_image(8, 1));
  for (const bool training : {false, true}) {
    require_error(ErrorCode::format,
                  {folder.file("train"), folder.file("test"), "only train has dog", "only test has horse"},
                  [&] { folder_dataset(folder.path(), training); });
  }
}

TEST_CASE("a damaged image is named when it is opened or read") {
  const TemporaryFolder folder;
  const std::string good = encode_png(plain_image(16, 1));
  write_png(folder.file("train/cat/a.png"), plain_image(16, 1));
  write_bytes(folder.file("train/cat/b.png"), good.substr(0, good.size() / 2));
  const auto dataset = folder_dataset(folder.path(), true);
  std::vector<std::byte> scratch;
  require_error(ErrorCode::format, {folder.file("train/cat/b.png")}, [&] { dataset->image(1, scratch); });
  write_bytes(folder.file("train/cat/b.png"), "garbage");
  require_error(ErrorCode::format, {folder.file("train/cat/b.png")},
                [&] { folder_dataset(folder.path(), true); });
}

TEST_CASE("parts of large photographs take memory for what is needed and nothing is kept") {
  const TemporaryFolder folder;
  make_folder(folder.file("train/cat"));
  constexpr std::int64_t height = 1500, width = 2000, side = 224;
  write_bytes(folder.file("train/cat/a.jpg"),
              encode_jpeg(smooth_image(height, width, 3), JCS_RGB, JCS_YCbCr, false, 2, 2));
  const auto dataset = folder_dataset(folder.path(), true);
  Transform transform = evaluation_transform(*dataset, side);
  std::vector<float> output(3 * side * side);
  for (const bool random_crop : {false, true}) {
    transform.random_resized_crop = random_crop;
    std::vector<std::byte> scratch;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      apply_transform(
          transform, [&](const ChoosePart& choose) { return dataset->image_part(0, choose, scratch); },
          mix_bits(seed), output.data());
    }
    // Up to twice as many pixels along each side, for crops up to 4/3 as long as wide, and whole blocks.
    CHECK(scratch.capacity() < 3 * (2 * side + 16) * (2 * side * 4 / 3 + 48));
  }
  std::filesystem::remove(folder.file("train/cat/a.jpg"));
  std::vector<std::byte> scratch;
  require_error(ErrorCode::not_found, {"a.jpg"}, [&] { dataset->image(0, scratch); });
}

TEST_CASE("photographs decoded at a smaller scale give the picture that the whole gives") {
  const TemporaryFolder folder;
  make_folder(folder.file("train/cat"));
  write_bytes(folder.file("train/cat/a.jpg"),
              encode_jpeg(smooth_image(901, 1307, 3), JCS_RGB, JCS_YCbCr, false, 2, 2));
  const auto dataset = folder_dataset(folder.path(), true);
  Transform transform = evaluation_transform(*dataset, 112);
  transform.flip_probability = 0.5;
  std::vector<std::byte> whole_scratch, scratch;
  const ImageView whole = dataset->image(0, whole_scratch);
  std::vector<float> expected(3 * 112 * 112), output(expected.size());
  for (const bool random_crop : {false, true}) {
    transform.random_resized_crop = random_crop;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      std::int64_t reduction = 0;
      apply_transform(transform, whole, mix_bits(seed), expected.data());
      apply_transform(
          transform,
          [&](const ChoosePart& choose) {
            const ImagePart part = dataset->image_part(0, choose, scratch);
            reduction = part.reduction;
            return part;
          },
          mix_bits(seed), output.data());
      CHECK(reduction >= 2);
      double largest = 0.0;
      for (std::size_t i = 0; i < output.size(); ++i) {
        largest = std::max(largest, static_cast<double>(std::abs(output[i] - expected[i])));
      }
      // In units of a deviation, which is about 57 levels.
      CHECK(largest < 0.06);
    }
  }
}
