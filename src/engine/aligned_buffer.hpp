#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace deepmoe {

/// Numbers at a cache line's boundary, not initialised.
template <class Number>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(std::size_t count)
      : data_(static_cast<Number*>(::operator new(count * sizeof(Number), alignment))), size_(count) {}

  Number* data() { return data_.get(); }
  const Number* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(Number); }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Release {
    void operator()(Number* data) const { ::operator delete(data, alignment); }
  };
  std::unique_ptr<Number[], Release> data_;
  std::size_t size_ = 0;
};

using AlignedBuffer = AlignedArray<float>;

/// Floats of a cache line.
inline constexpr std::size_t floats_of_line = 16;
/// So many floats that they end where a line does.
inline constexpr std::size_t whole_lines(std::size_t floats) {
  return (floats + floats_of_line - 1) / floats_of_line * floats_of_line;
}

}  // namespace deepmoe
