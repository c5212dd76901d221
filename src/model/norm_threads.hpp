#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstddef>

#include "base/handover.hpp"

#ifndef INTRA_OP_PARALLEL
#error "Compile the files that include this with OpenMP: without it at::parallel_for runs in one thread"
#endif

namespace deepmoe {

inline Handover to_norm_threads, from_norm_threads;

/// Runs `work(first, last)` over stretches of `parts`, which together have so many `numbers`, in as many
/// threads as LibTorch's operations.
template <class Work>
void in_norm_threads(std::size_t parts, std::size_t numbers, const Work& work) {
  constexpr std::size_t worth_a_thread = 32768;
  const std::size_t each = std::max<std::size_t>(1, numbers / parts);
  const auto grain = static_cast<std::int64_t>(std::max<std::size_t>(1, worth_a_thread / each));
  const auto stretch = [&](std::int64_t first, std::int64_t last) {
    to_norm_threads.take();
    work(static_cast<std::size_t>(first), static_cast<std::size_t>(last));
    from_norm_threads.give();
  };
  to_norm_threads.give();
  at::parallel_for(0, static_cast<std::int64_t>(parts), grain, stretch);
  from_norm_threads.take();
}

}  // namespace deepmoe
