#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace deepmoe {

/// Floats at a cache line's boundary, not initialised.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t count)
      : data_(static_cast<float*>(::operator new(count * sizeof(float), alignment))), size_(count) {}

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(float); }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Release {
    void operator()(float* data) const { ::operator delete(data, alignment); }
  };
  std::unique_ptr<float[], Release> data_;
  std::size_t size_ = 0;
};

}  // namespace deepmoe
