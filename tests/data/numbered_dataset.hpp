#pragma once

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "base/base.hpp"
#include "data/data.hpp"

namespace deepmoe {

/// Grey images whose every pixel is the number of the image; some may be slow to come or broken.
class NumberedDataset final : public Dataset {
 public:
  explicit NumberedDataset(std::int64_t size, std::int64_t image_size = 4)
      : size_(size), image_size_(image_size) {}

  std::int64_t size() const override { return size_; }
  std::int64_t num_classes() const override { return 3; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::int64_t label(std::int64_t index) const override { return index % 3; }
  ImageView image(std::int64_t index, std::vector<std::byte>& scratch) const override {
    const int now = ++inside;
    int most = most_inside;
    while (now > most && !most_inside.compare_exchange_weak(most, now)) {
    }
    if (delay.count() > 0) std::this_thread::sleep_for(delay);
    --inside;
    ++images_made;
    std::int64_t highest = highest_index;
    while (index > highest && !highest_index.compare_exchange_weak(highest, index)) {
    }
    if (index == broken_index) fail(ErrorCode::format, "image ", index, " is broken");
    const std::int64_t pixels = image_size_ * image_size_;
    scratch.resize(static_cast<std::size_t>(pixels) * sizeof(float));
    const float value = static_cast<float>(index);
    for (std::int64_t i = 0; i < pixels; ++i) {
      std::memcpy(scratch.data() + static_cast<std::size_t>(i) * sizeof(float), &value, sizeof value);
    }
    return {scratch.data(), PixelType::f32, 1, image_size_, image_size_, pixels, image_size_, 1};
  }
  std::int64_t image_size() const override { return image_size_; }
  Normalization normalization() const override { return {}; }
  std::string description() const override { return "numbers"; }

  std::chrono::microseconds delay{0};
  std::int64_t broken_index = -1;
  mutable std::atomic<int> inside{0}, most_inside{0};  ///< threads that make an image at one time
  mutable std::atomic<std::int64_t> images_made{0}, highest_index{-1};

 private:
  std::int64_t size_, image_size_;
  std::vector<std::string> names_{"0", "1", "2"};
};

}  // namespace deepmoe
