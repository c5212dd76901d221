// What compare_boundary.py measures in C++. Reads lines "engine N" and "step N", makes N calls, of one image
// and of two, which is the least that batch norm trains on, and writes the nanoseconds that they took.
#include <chrono>
#include <deepmoe.hpp>
#include <iostream>

int main() {
  const dmoe::Options options = {{"model", "resnet18_moe"}, {"width", "0.25"}, {"image_size", "32"},
                                 {"num_classes", "10"},     {"device", "cpu"}, {"optimizer", "sgd"},
                                 {"lr", "0.0001"}};
  dmoe::Model model(options);
  const dmoe::Engine engine = model.compile(R"({"threads": 1})");
  dmoe::Trainer trainer(model, options);
  const std::vector<float> images(2 * 3 * 32 * 32, 0.5F);
  const std::vector<std::int64_t> labels = {1, 2};
  std::vector<float> logits(10);
  std::string what;
  for (int count = 0; std::cin >> what >> count;) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      if (what == "engine") {
        engine.run_into(dmoe::Span<const float>(images.data(), 3 * 32 * 32), 1, 32, 32, logits);
      } else {
        double loss = 0;
        trainer.step(images, labels, 32, 32, &loss);
      }
    }
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start;
    std::cout << taken.count() << std::endl;
  }
}
