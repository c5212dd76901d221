#include "training/gradient_reduction.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <new>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <type_traits>
#include <utility>

#include "training/process_connection.hpp"

namespace deepmoe {
namespace {

using Buckets = std::vector<std::vector<std::size_t>>;

/// LibTorch's versions differ in what comes behind the arguments that all of them have.
template <class Reducer = c10d::Reducer>
std::unique_ptr<Reducer> make_reducer(const std::vector<at::Tensor>& parameters, const Buckets& buckets,
                                      const c10::intrusive_ptr<c10d::ProcessGroup>& group) {
  const std::vector<bool> sparse(parameters.size(), false);
  const auto made = [&](const auto&... more) {
    return std::make_unique<Reducer>(parameters, buckets, group, sparse,
                                     std::int64_t{c10d::kDefaultBucketBytesCap},
                                     /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/false,
                                     std::unordered_map<std::size_t, std::string>{},
                                     std::int64_t{c10d::kDefaultFirstBucketBytes}, more...);
  };
  using Names = std::unordered_map<std::size_t, std::string>;
  if constexpr (std::is_constructible_v<Reducer, std::vector<at::Tensor>, Buckets,
                                        c10::intrusive_ptr<c10d::ProcessGroup>, std::vector<bool>,
                                        std::int64_t, bool, bool, Names, std::int64_t>) {
    return made();
  } else if constexpr (std::is_constructible_v<Reducer, std::vector<at::Tensor>, Buckets,
                                               c10::intrusive_ptr<c10d::ProcessGroup>, std::vector<bool>,
                                               std::int64_t, bool, bool, Names, std::int64_t, bool, bool>) {
    return made(false, false);
  } else {
    return made(false, false, std::vector<std::int64_t>{});
  }
}

/// Whether every parameter is used depends on options, so that LibTorch's advice to promise it cannot be
/// followed.
class NoAdvice : public c10::WarningHandler {
 public:
  void process(const c10::Warning&) override {}
};

}  // namespace

struct GradientReduction::State {
  std::vector<at::Tensor> parameters;
  std::unique_ptr<c10d::Reducer> reducer;
};

GradientReduction::GradientReduction(std::shared_ptr<ProcessGroup> processes)
    : processes_(std::move(processes)) {}

GradientReduction::~GradientReduction() = default;

void GradientReduction::prepare(const std::vector<at::Tensor>& parameters, const at::Tensor& loss) {
  if (processes_->alone()) return;
  std::vector<at::Tensor> learning;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.requires_grad()) learning.push_back(parameter);
  }
  if (!state_ || state_->parameters.size() != learning.size()) {
    // Gradients become ready from the last layer to the first.
    state_.reset();
    Buckets buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(
        learning, {std::size_t{c10d::kDefaultFirstBucketBytes}, std::size_t{c10d::kDefaultBucketBytesCap}}));
    std::reverse(buckets.begin(), buckets.end());
    auto reducer = make_reducer(learning, buckets, processes_->connection()->group);
    state_ = std::make_unique<State>(State{std::move(learning), std::move(reducer)});
  }
  NoAdvice silent;
  const c10::WarningUtils::WarningHandlerGuard guard(&silent);
  state_->reducer->prepare_for_forward();
  state_->reducer->prepare_for_backward({loss});
}

void GradientReduction::backward(const at::Tensor& loss) const {
  if (processes_->alone()) {
    loss.backward();
    return;
  }
  try {
    loss.backward();
  } catch (const c10::DistError& error) {
    processes_->fail_lost(error);
  } catch (const c10::Error&) {
    throw;
  } catch (const Error&) {
    throw;  // of an operation of this library's, which says what it was
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    // Gloo's own exceptions, whose type is not part of LibTorch's interface.
    processes_->fail_lost(error);
  }
}

}  // namespace deepmoe
