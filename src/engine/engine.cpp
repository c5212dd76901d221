#include "engine/engine.hpp"

#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base.hpp"
#include "base/handover.hpp"
#include "engine/description.hpp"
#include "engine/executor.hpp"
#include "engine/kernels.hpp"
#include "engine/plan.hpp"
#include "engine/workspace.hpp"

namespace deepmoe {
namespace {

constexpr auto samples_at_a_time = static_cast<std::int64_t>(Plan::pass_sizes.all);
constexpr int threads_limit = 1024;

Handover call_begins, call_ends;

std::int64_t checked_image_size(const Architecture& architecture, std::int64_t asked) {
  const std::int64_t size = asked == 0 ? architecture.image_size : asked;
  const std::int64_t smallest = minimum_image_size(architecture);
  if (size < smallest) {
    fail(ErrorCode::invalid_argument, "image_size is ", size, ", but '", architecture.model,
         "' needs images of at least ", smallest, " pixels");
  }
  return size;
}

int checked_threads(int asked) {
  if (asked < 0 || asked > threads_limit) {
    fail(ErrorCode::invalid_argument, "threads is ", asked, ", but must be 0 (one for each processor) to ",
         threads_limit);
  }
  const int processors = tbb::info::default_concurrency();
  return asked > 0 ? std::min(asked, processors) : processors;
}

/// Checks each parameter's length and numbers as it is read.
ReadParameter checked(const Architecture& architecture, const ReadParameter& read) {
  std::map<std::string, std::int64_t> lengths;
  for (const ParameterSpecification& entry : parameter_specifications(architecture)) {
    std::int64_t length = 1;
    for (const std::int64_t extent : entry.shape) length *= extent;
    lengths[entry.name] = length;
  }
  return [lengths = std::move(lengths), read](const std::string& name) {
    std::vector<float> numbers = read(name);
    if (static_cast<std::int64_t>(numbers.size()) != lengths.at(name)) {
      fail(ErrorCode::format, "parameter '", name, "' has ", numbers.size(),
           " numbers, but the architecture needs ", lengths.at(name));
    }
    if (!std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); })) {
      fail(ErrorCode::format, "parameter '", name,
           "' holds numbers that are infinite or not a number; the training that wrote it has diverged");
    }
    return numbers;
  };
}

}  // namespace

struct Engine::Implementation {
  Implementation(const Architecture& of, const ReadParameter& read, const EngineSettings& settings)
      : architecture(of),
        image_size(checked_image_size(of, settings.image_size)),
        threads(checked_threads(settings.threads)),
        skip(settings.skip),
        plan(of, image_size, settings.skip, settings.precision,
             settings.target.empty() ? kernels() : kernels(settings.target), checked(of, read)),
        arena(threads) {
    plan.profile = settings.profile;
  }

  /// A working memory that nobody uses now and that is large enough, or a new one.
  std::unique_ptr<Workspace> take(std::int32_t samples, int team_size) {
    {
      const std::lock_guard lock(mutex);
      const auto fitting = std::find_if(idle.begin(), idle.end(), [&](const auto& workspace) {
        return workspace->capacity >= samples && workspace->team_size >= team_size;
      });
      if (fitting != idle.end()) {
        std::unique_ptr<Workspace> workspace = std::move(*fitting);
        idle.erase(fitting);
        return workspace;
      }
      // One that is too small now would be too small again.
      if (!idle.empty()) idle.pop_back();
    }
    return std::make_unique<Workspace>(plan, samples, team_size);
  }

  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(workspace));
  }

  std::int64_t run_samples(const EngineRun& run, std::int64_t first, std::int32_t count, int team_size) {
    std::unique_ptr<Workspace> workspace = take(count, team_size);
    const std::int64_t macs = execute(plan, run, first, count, *workspace, Team(team_size));
    give_back(std::move(workspace));
    return macs;
  }

  std::int64_t run_batch(const EngineRun& run) {
    const std::int64_t batch = run.batch_size;
    if (threads == 1) {
      std::int64_t macs = 0;
      for (std::int64_t first = 0; first < batch; first += samples_at_a_time) {
        macs +=
            run_samples(run, first, static_cast<std::int32_t>(std::min(samples_at_a_time, batch - first)), 1);
      }
      return macs;
    }
    if (batch < threads) {
      return in_arena([&] { return run_samples(run, 0, static_cast<std::int32_t>(batch), threads); });
    }
    const std::int64_t share = std::min(samples_at_a_time, (batch + threads - 1) / threads);
    // As many pieces as there are threads, or a multiple.
    const std::int64_t pieces = ((batch + share - 1) / share + threads - 1) / threads * threads;
    return in_arena([&] {
      std::atomic<std::int64_t> macs = 0;
      tbb::parallel_for(
          std::int64_t{0}, pieces,
          [&](std::int64_t piece) {
            const std::int64_t first = batch * piece / pieces, last = batch * (piece + 1) / pieces;
            if (last > first) macs += run_samples(run, first, static_cast<std::int32_t>(last - first), 1);
          },
          tbb::simple_partitioner());
      return macs.load();
    });
  }

  /// Runs a task in the arena, which may hand it to another thread where it is full.
  template <class Task>
  std::int64_t in_arena(const Task& task) {
    const auto call = [&task] {
      call_begins.take();
      const std::int64_t macs = task();
      call_ends.give();
      return macs;
    };
    call_begins.give();
    const std::int64_t result = arena.execute(call);
    call_ends.take();
    return result;
  }

  Architecture architecture;
  std::int64_t image_size;
  int threads;
  bool skip;
  Plan plan;
  tbb::task_arena arena;
  std::mutex mutex;
  std::vector<std::unique_ptr<Workspace>> idle;
};

Engine::Engine(const Architecture& architecture, const ReadParameter& read, const EngineSettings& settings)
    : implementation_(std::make_unique<Implementation>(architecture, read, settings)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

void Engine::run(EngineRun& run) const {
  if (run.batch_size < 1 || run.images == nullptr) {
    fail(ErrorCode::invalid_argument, "the batch has ", run.batch_size, " images; it needs at least one");
  }
  run.active_macs = implementation_->run_batch(run);
  implementation_->plan.samples.fetch_add(run.batch_size, std::memory_order_relaxed);
}

const Architecture& Engine::architecture() const { return implementation_->architecture; }
std::int64_t Engine::image_size() const { return implementation_->image_size; }
int Engine::threads() const { return implementation_->threads; }
std::int64_t Engine::experts() const { return implementation_->plan.experts; }

nlohmann::json Engine::describe() const {
  nlohmann::json description = describe_plan(implementation_->plan);
  description["image_size"] = image_size();
  description["threads"] = threads();
  description["skip"] = implementation_->skip;
  return description;
}

}  // namespace deepmoe
