#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/process_group.hpp"

#include <atomic>

#include "base/require_error.hpp"
#include "training/process_connection.hpp"
#include "training/process_pair.hpp"

using namespace deepmoe;

TEST_CASE("a process that is alone keeps what it has") {
  ProcessGroup alone;
  const at::Tensor tensor = at::ones({2});
  alone.sum(tensor);
  alone.broadcast({tensor});
  alone.expect_same("text", "texts");
  CHECK(tensor.equal(at::ones({2})));
  CHECK(alone.mean(3.0) == 3.0);
  CHECK(alone.largest({-4, 3}) == std::vector<std::int64_t>{-4, 3});
  CHECK(alone.alone());
}

TEST_CASE("two processes share sums means and the first one's tensors") {
  std::atomic<int> done{0};
  as_two_processes([&](const std::shared_ptr<ProcessGroup>& group) {
    const auto rank = static_cast<double>(group->rank());
    const at::Tensor tensor = at::full({3}, rank + 1.0), numbers = at::full({2}, group->rank(), at::kLong);
    group->sum(tensor);
    const double mean = group->mean(rank);
    const std::vector<std::int64_t> largest = group->largest({-group->rank() - 1, group->rank()});
    group->broadcast({numbers, tensor});
    if (tensor.equal(at::full({3}, 3.0)) && mean == 0.5 && largest == std::vector<std::int64_t>{-1, 1} &&
        numbers.equal(at::zeros({2}, at::kLong)))
      ++done;
  });
  CHECK(done == 2);
}

namespace {

/// Has a backend that does nothing in the place of NCCL's.
class NcclLibrary : public CudaLibrary {
 public:
  std::unique_ptr<CudaGraph> make_graph(const at::Device&, const at::Generator&) const override {
    return nullptr;
  }
  c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                              int size, std::chrono::milliseconds timeout) const override {
    ++made;
    CHECK(timeout == std::chrono::seconds(20));
    // The others find it where they were told that it is.
    store->set(std::to_string(rank), "here");
    store->wait({std::to_string(1 - rank)});
    return c10::make_intrusive<Nothing>(rank, size);
  }
  mutable std::atomic<int> made{0};

 private:
  struct Nothing : c10d::Backend {
    using Backend::Backend;
  };
};

int processes_with_nccl(const NcclLibrary& library, bool second_has_it, std::int8_t second_device) {
  std::atomic<int> with{0};
  as_two_processes([&](const std::shared_ptr<ProcessGroup>& group) {
    OpenedCudaLibrary opened{&library, {}};
    if (group->rank() == 1 && !second_has_it) opened = {nullptr, "there is none"};
    const at::Device device(at::kCUDA, group->rank() == 0 ? std::int8_t{0} : second_device);
    if (group->use_nccl(device, opened)) ++with;
    if (group->use_nccl(device, opened) && group->connection()->nccl) ++with;
    // What is on the host goes on over Gloo.
    CHECK(group->mean(1.0 + static_cast<double>(group->rank())) == 1.5);
  });
  return with;
}

}  // namespace

TEST_CASE("processes use NCCL where all have it and each has a device of its own") {
  const NcclLibrary all, one, shared;
  CHECK(processes_with_nccl(all, true, 1) == 4);
  CHECK(all.made == 2);
  CHECK(processes_with_nccl(one, false, 1) == 0);
  CHECK(one.made == 0);
  CHECK(processes_with_nccl(shared, true, 0) == 0);
  CHECK(shared.made == 0);
}

TEST_CASE("what differs between processes is an error in each that names it") {
  std::atomic<int> refused{0};
  as_two_processes([&](const std::shared_ptr<ProcessGroup>& group) {
    group->expect_same("alike", "options");
    try {
      group->expect_same(group->rank() == 0 ? "a" : "b", "options");
    } catch (const Error& error) {
      const std::string message = error.what();
      if (message.find("process 1 of the run has other options") != std::string::npos) ++refused;
    }
  });
  CHECK(refused == 2);
}

TEST_CASE("a process that is gone is an error and not a wait") {
  require_error(ErrorCode::io, {"gone", "resume"}, [] {
    as_two_processes([](const std::shared_ptr<ProcessGroup>& group) {
      group->sum(at::ones({1}));
      if (group->rank() == 0) group->sum(at::ones({1}));
    });
  });
}

TEST_CASE("processes that do not come are an error that says where they were awaited") {
  require_error(ErrorCode::io, {"2 processes", "127.0.0.1", "MASTER_ADDR"},
                [] { ProcessGroup group(ProcessPlace{0, 2, 0, "127.0.0.1", free_port()}, 1.0); });
}
