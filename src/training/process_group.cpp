#include "training/process_group.hpp"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <mutex>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

#include "training/process_connection.hpp"

namespace deepmoe {
namespace {

#ifdef USE_C10D_GLOO

using c10d::ProcessGroupGloo;

std::shared_ptr<gloo::transport::Device> network_device(const ProcessPlace& place) {
  if (const char* const interface = std::getenv("GLOO_SOCKET_IFNAME")) {
    return ProcessGroupGloo::createDeviceForInterface(interface);
  }
  // A machine's own name need not be known to its resolver.
  if (place.address == "127.0.0.1" || place.address == "localhost") {
    return ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  }
  return ProcessGroupGloo::createDefaultDevice();
}

Connection connect(const ProcessPlace& place, std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions store_options;
  store_options.port = static_cast<std::uint16_t>(place.port);
  store_options.isServer = place.rank == 0;
  // torchrun's own process listens there already, and keeps what earlier attempts have left.
  const Environment environment = process_environment();
  const bool served = environment("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (served) store_options.isServer = false;
  store_options.numWorkers = static_cast<std::size_t>(place.size);
  store_options.waitWorkers = false;
  store_options.timeout = timeout;
  c10::intrusive_ptr<c10d::Store> store = c10::make_intrusive<c10d::TCPStore>(place.address, store_options);
  const std::string attempt = served ? environment("TORCHELASTIC_RESTART_COUNT").value_or("0") : "0";
  store = c10::make_intrusive<c10d::PrefixStore>("deepmoe/attempt_" + attempt, store);
  const auto gloo_options = ProcessGroupGloo::Options::create(timeout);
  gloo_options->devices.push_back(network_device(place));
  const auto rank = static_cast<int>(place.rank), size = static_cast<int>(place.size);
  const auto gloo = c10::make_intrusive<ProcessGroupGloo>(store, rank, size, gloo_options);
  auto group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, size);
  for (const c10::DeviceType device : {c10::DeviceType::CPU, c10::DeviceType::CUDA}) {
    group->setBackend(device, c10d::ProcessGroup::BackendType::GLOO, gloo);
  }
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  return {group, store, nullptr};
}

#else

Connection connect(const ProcessPlace& place, std::chrono::milliseconds) {
  fail(ErrorCode::unsupported, "a launcher has started ", place.size,
       " processes, but this build of libdeepmoe has no distributed training, for want of Gloo's headers; "
       "set option "
       "distributed to off");
}

#endif

/// The reason alone: LibTorch adds its C++ stack and Gloo a wish of good luck.
std::string first_line(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  return line.substr(0, line.find(". This is typically"));
}

}  // namespace

ProcessGroup::ProcessGroup(const ProcessPlace& place, double timeout_seconds)
    : place_(place), timeout_seconds_(timeout_seconds) {
  if (alone()) return;
  log(LogLevel::info, concat("process ", place.rank, " of ", place.size, ": waiting for the others at ",
                             place.address, ":", place.port));
  const std::chrono::milliseconds timeout(static_cast<std::int64_t>(1000.0 * timeout_seconds));
  try {
    connection_ = std::make_shared<Connection>(connect(place, timeout));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorCode::io, "the ", place.size, " processes of the run did not come together within ",
         timeout_seconds, " seconds at ", place.address, ":", place.port, " (", first_line(error.what()),
         "); check that all were started, and MASTER_ADDR and MASTER_PORT");
  }
}

ProcessGroup::~ProcessGroup() = default;

std::shared_ptr<ProcessGroup> ProcessGroup::of_process(const Options& options) {
  static std::mutex mutex;
  // Never destroyed: its threads would be stopped while the process ends.
  static auto* const group = new std::shared_ptr<ProcessGroup>();
  if (options.text("distributed") == "off") return std::make_shared<ProcessGroup>();
  const ProcessPlace place = process_place(process_environment());
  if (place.size == 1) return std::make_shared<ProcessGroup>();
  const std::lock_guard lock(mutex);
  if (*group == nullptr) *group = std::make_shared<ProcessGroup>(place, options.real("distributed_timeout"));
  return *group;
}

template <class Work>
void ProcessGroup::collective(const Work& work) {
  try {
    work(*connection_->group);
  } catch (const std::exception& error) {
    fail_lost(error);
  }
}

void ProcessGroup::fail_lost(const std::exception& reason) const {
  abort_nccl();
  fail(ErrorCode::io, "another process of the run is gone, or did not answer for ", timeout_seconds_,
       " seconds (", first_line(reason.what()),
       "); start all of them again with option resume to go on from the last checkpoint");
}

void ProcessGroup::sum(const at::Tensor& tensor) {
  if (alone()) return;
  collective([&](c10d::ProcessGroup& group) {
    std::vector<at::Tensor> tensors{tensor};
    group.allreduce(tensors)->wait();
  });
}

double ProcessGroup::mean(double value) {
  if (alone()) return value;
  const at::Tensor tensor = at::full({1}, value, at::kDouble);
  sum(tensor);
  return *tensor.const_data_ptr<double>() / static_cast<double>(size());
}

std::vector<std::int64_t> ProcessGroup::largest(std::vector<std::int64_t> values) {
  if (alone()) return values;
  collective([&](c10d::ProcessGroup& group) {
    std::vector<at::Tensor> tensors{
        at::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, at::kLong)};
    c10d::AllreduceOptions options;
    options.reduceOp = c10d::ReduceOp::MAX;
    group.allreduce(tensors, options)->wait();
  });
  return values;
}

void ProcessGroup::broadcast(const std::vector<at::Tensor>& tensors) {
  if (alone()) return;
  collective([&](c10d::ProcessGroup& group) {
    std::vector<c10::intrusive_ptr<c10d::Work>> works;
    works.reserve(tensors.size());
    for (const at::Tensor& tensor : tensors) {
      std::vector<at::Tensor> one{tensor.detach()};
      works.push_back(group.broadcast(one));
    }
    for (const auto& work : works) work->wait();
  });
}

void ProcessGroup::expect_same(const std::string& text, const std::string& what) {
  if (alone()) return;
  const auto own = static_cast<std::int64_t>(std::hash<std::string>()(text));
  const at::Tensor first = at::full({1}, own, at::kLong);
  broadcast({first});
  const bool differs = *first.const_data_ptr<std::int64_t>() != own;
  const std::int64_t other = largest({differs ? rank() : 0}).front();
  if (other == 0) return;
  fail(ErrorCode::invalid_argument, "process ", other, " of the run has other ", what,
       " than process 0; start all processes with the same");
}

}  // namespace deepmoe
