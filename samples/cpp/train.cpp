// Trains a small gated network on arrays of the program and saves it: stripes, whose direction is the class.
//
//   c++ -std=c++17 train.cpp $(pkg-config --cflags --libs deepmoe) && ./a.out network.safetensors
#include <algorithm>
#include <deepmoe.hpp>
#include <iostream>
#include <random>

constexpr int side = 16, count = 32, classes = 4, image = 3 * side * side;

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("usage: train WEIGHTS.safetensors");
  dmoe::Options options = {{"model", "resnet18_moe"}, {"width", "0.125"}, {"device", "cpu"}};
  options.set("num_classes", classes).set("image_size", side).set("optimizer", "sgd").set("lr", 0.02);
  dmoe::Model model(options);
  dmoe::Trainer trainer(model, options);
  std::mt19937 random;
  std::vector<float> images(count * image);
  std::vector<std::int64_t> labels(count);
  for (int step = 0; step <= 80; ++step) {
    for (int i = 0; i < count; ++i) {
      const int label = static_cast<int>(random() % classes), phase = static_cast<int>(random() % 4);
      const int along = label == 1 ? 0 : 1, down = label == 0 ? 0 : label == 3 ? 3 : 1;
      labels[i] = label;
      for (int pixel = 0; pixel < image; ++pixel) {
        const bool stripe = (pixel % side * along + pixel / side % side * down + phase) % 4 < 2;
        images[i * image + pixel] = static_cast<float>(random() % 1000) / 500.0F - (stripe ? 0.0F : 2.0F);
      }
    }
    if (step < 80) trainer.step(images, labels, side, side);  // The last batch is to be recognised.
  }
  std::cout << model.evaluate(dmoe::Dataset::of(images, labels, side, side, classes), &options) << "\n";
  model.save(argv[1]);
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
