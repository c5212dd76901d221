#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "training/process_connection.hpp"
#include "training/process_group.hpp"

namespace deepmoe {
namespace {

/// A number for a device of a machine, never 0.
std::int64_t device_number(const at::Device& device) {
  std::array<char, 256> machine{};
  ::gethostname(machine.data(), machine.size() - 1);
  return static_cast<std::int64_t>(std::hash<std::string>()(concat(machine.data(), ' ', device.index())) |
                                   1U);
}

/// Why processes with these devices, of which 0 stands for one that NCCL cannot use, do not use it; empty if
/// they can.
std::string obstacle_among(std::vector<std::int64_t> devices) {
  std::sort(devices.begin(), devices.end());
  if (std::find(devices.begin(), devices.end(), 0) != devices.end())
    return "another process does not have NCCL";
  if (std::adjacent_find(devices.begin(), devices.end()) == devices.end()) return {};
  return "processes share a device, which NCCL cannot";
}

/// Versions of LibTorch before 2.7 have no such call.
template <class Backend>
void abort_backend(Backend& backend) {
  if constexpr (requires { backend.abort(); }) backend.abort();
}

}  // namespace

bool ProcessGroup::use_nccl(const at::Device& device, const OpenedCudaLibrary& library) {
  if (alone()) return false;
  if (connection_->nccl) return true;
  const at::Tensor numbers = at::zeros({size()}, at::kLong);
  auto* const number = numbers.mutable_data_ptr<std::int64_t>();
  if (library.library != nullptr) number[rank()] = device_number(device);
  sum(numbers);
  const std::string obstacle =
      library.library == nullptr ? library.reason : obstacle_among({number, number + size()});
  if (!obstacle.empty()) {
    log(LogLevel::info, concat("process ", rank(), ": gradients on CUDA go over Gloo, as ", obstacle));
    return false;
  }
  const std::chrono::milliseconds timeout(static_cast<std::int64_t>(1000.0 * timeout_seconds_));
  connection_->nccl =
      library.library->make_nccl(c10::make_intrusive<c10d::PrefixStore>("nccl", connection_->store),
                                 static_cast<int>(rank()), static_cast<int>(size()), timeout);
  connection_->group->setBackend(at::kCUDA, c10d::ProcessGroup::BackendType::NCCL, connection_->nccl);
  return true;
}

void ProcessGroup::abort_nccl() const {
  if (connection_ == nullptr || !connection_->nccl) return;
  try {
    abort_backend(*connection_->nccl);
  } catch (const std::exception& error) {
    log(LogLevel::warning, concat("NCCL could not be stopped: ", error.what()));
  }
}

}  // namespace deepmoe
