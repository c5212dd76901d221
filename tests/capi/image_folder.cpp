// image_folder FOLDER: a data set of two classes for the samples, FOLDER/{train,val}/{dark,light}/*.png.

#include <png.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

bool write_image(const std::string& path, int brightness, int seed) {
  constexpr int side = 16;
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < side * side * 3; ++i) {
    pixels.push_back(static_cast<std::uint8_t>(brightness + (i * 7 + seed * 13) % 64));
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = side;
  image.height = side;
  image.format = PNG_FORMAT_RGB;
  return png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  for (const auto& [split, count] : {std::pair<std::string, int>{"train", 12}, {"val", 4}}) {
    for (const auto& [label, brightness] : {std::pair<std::string, int>{"dark", 10}, {"light", 180}}) {
      const std::string place = folder + "/" + split + "/" + label;
      std::filesystem::create_directories(place);
      for (int i = 0; i < count; ++i) {
        if (!write_image(place + "/" + std::to_string(i) + ".png", brightness, i)) {
          std::fprintf(stderr, "can't write to %s\n", place.c_str());
          return 1;
        }
      }
    }
  }
  return 0;
}
