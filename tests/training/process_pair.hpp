#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <thread>

#include "base/free_port.hpp"
#include "training/process_group.hpp"

namespace deepmoe {

/// Runs `work` in two threads that are to each other what two processes are; rethrows the error of the first.
inline void as_two_processes(const std::function<void(const std::shared_ptr<ProcessGroup>&)>& work) {
  const std::int64_t port = free_port();
  std::exception_ptr errors[2];
  const auto process = [&](std::int64_t rank) {
    try {
      constexpr double timeout_seconds = 20.0;
      work(std::make_shared<ProcessGroup>(ProcessPlace{rank, 2, rank, "127.0.0.1", port}, timeout_seconds));
    } catch (...) {
      errors[rank] = std::current_exception();
    }
  };
  std::thread second(process, 1);
  process(0);
  second.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace deepmoe
