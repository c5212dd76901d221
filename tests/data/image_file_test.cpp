#include "data/image_file.hpp"

#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "data/encoded_images.hpp"

using namespace deepmoe;

TEST_CASE("files are decoded by their content and not by their name") {
  const TemporaryFolder folder;
  const TestImage image = smooth_image(10, 12, 3);
  write_bytes(folder.file("png_in_disguise.jpg"), encode_png(image));
  write_bytes(folder.file("jpeg_in_disguise.png"), encode_jpeg(image));
  std::vector<std::byte> scratch;
  for (const std::string name : {"png_in_disguise.jpg", "jpeg_in_disguise.png"}) {
    const ImageView view = decode_image_file(folder.file(name), scratch);
    CHECK(view.height == 10);
    CHECK(view.width == 12);
    CHECK(view.data == scratch.data());
    CHECK(image_file_extent(folder.file(name)) == ImageExtent{10, 12});
  }
}

TEST_CASE("the size of an image is found behind a long comment") {
  const TemporaryFolder folder;
  std::string bytes = encode_jpeg(smooth_image(30, 20, 3));
  // Two comment segments of 60,000 bytes after the start marker.
  const std::string comment = std::string("\xFF\xFE\xEA\x60", 4) + std::string(59998, 'c');
  bytes.insert(2, comment + comment);
  write_bytes(folder.file("long.jpg"), bytes);
  CHECK(image_file_extent(folder.file("long.jpg")) == ImageExtent{30, 20});
}

TEST_CASE("other files are refused by name") {
  const TemporaryFolder folder;
  std::vector<std::byte> scratch;
  write_bytes(folder.file("text.jpg"), "this is no image");
  write_bytes(folder.file("empty.png"), "");
  require_error(ErrorCode::format, {folder.file("text.jpg"), "neither a JPEG nor a PNG"},
                [&] { decode_image_file(folder.file("text.jpg"), scratch); });
  require_error(ErrorCode::format, {folder.file("empty.png"), "is empty"},
                [&] { decode_image_file(folder.file("empty.png"), scratch); });
  require_error(ErrorCode::format, {folder.file("text.jpg")},
                [&] { image_file_extent(folder.file("text.jpg")); });
  require_error(ErrorCode::not_found, {folder.file("absent.png")},
                [&] { decode_image_file(folder.file("absent.png"), scratch); });
}
