#pragma once

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace deepmoe {

/// Who computes one layer: the calling thread alone, or all threads of the task arena that it runs in.
class Team {
 public:
  explicit Team(int size) : size_(size) {}
  int size() const { return size_; }

  /// Which of 0 .. size() - 1 the calling thread is.
  std::size_t member() const {
    return size_ == 1 ? 0 : static_cast<std::size_t>(tbb::this_task_arena::current_thread_index());
  }

  /// Calls task(i) for i in 0 .. count - 1, in any order and perhaps side by side.
  template <class Task>
  void for_each(std::int32_t count, const Task& task) const {
    if (size_ == 1 || count <= 1) {
      for (std::int32_t i = 0; i < count; ++i) task(i);
    } else {
      tbb::parallel_for(std::int32_t{0}, count, task, tbb::simple_partitioner());
    }
  }

  /// Calls task(first, last) for ranges of 0 .. count - 1, a few for each thread, of at least `least` where
  /// there are so many.
  template <class Task>
  void share(std::int32_t count, std::int32_t least, const Task& task) const {
    const std::int32_t length = std::max(least, (count + 4 * size_ - 1) / (4 * size_));
    for_each((count + length - 1) / length,
             [&](std::int32_t part) { task(part * length, std::min(count, (part + 1) * length)); });
  }

 private:
  int size_;
};

}  // namespace deepmoe
