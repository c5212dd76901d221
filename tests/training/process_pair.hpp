#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <functional>
#include <memory>
#include <thread>

#include "training/process_group.hpp"

namespace deepmoe {

/// A port of this machine that nobody listens to.
inline std::int64_t free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  close(listener);
  return ntohs(address.sin_port);
}

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
