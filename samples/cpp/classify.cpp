// Says what is in an image with the runtime library alone: classify WEIGHTS.safetensors IMAGE.ppm
//
//   c++ -std=c++17 classify.cpp $(pkg-config --cflags --libs deepmoe-runtime)
//
// A binary PPM is the simplest file of pixels: `convert cat.jpg -resize 32x32! cat.ppm` makes one of the
// network's size.
#define DEEPMOE_RUNTIME_ONLY
#include <algorithm>
#include <deepmoe.hpp>
#include <fstream>
#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: classify WEIGHTS.safetensors IMAGE.ppm");
  std::ifstream file(argv[2], std::ios::binary);
  std::string format;
  int width = 0, height = 0, maximum = 0;
  file >> format >> width >> height >> maximum;
  if (!file || format != "P6" || maximum != 255 || width < 1 || width > 4096 || height < 1 || height > 4096) {
    throw std::runtime_error(std::string(argv[2]) + " is not a binary PPM of up to 4096 x 4096 pixels");
  }
  file.get();  // One space ends the header.
  std::vector<char> bytes(static_cast<std::size_t>(3 * width * height));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw std::runtime_error(std::string(argv[2]) + " ends too early");
  }
  const dmoe::Engine engine(argv[1], R"({"threads": 1})");
  const std::vector<std::uint8_t> pixels(bytes.begin(), bytes.end());
  std::int64_t macs = 0;
  const auto logits = engine.run(pixels, 1, height, width, DMOE_LAYOUT_NHWC, &macs);
  const auto best = std::max_element(logits.begin(), logits.end());
  std::cout << "class " << best - logits.begin() << ": logit " << *best << ", "
            << static_cast<double>(macs) / 1e6 << " million MACs\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
