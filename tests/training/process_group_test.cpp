#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/process_group.hpp"

#include <atomic>

#include "base/require_error.hpp"
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
