#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/base.hpp"
#include "base/handover.hpp"
#include "data/batch_ring.hpp"
#include "data/data.hpp"

namespace deepmoe {
namespace {

Handover to_task;

/// What the tasks share with the loader. A task that runs may outlive the loader; one that has not begun,
/// which can take long when threads are busy, does not keep it.
struct Shared {
  Shared(std::shared_ptr<const Dataset> dataset, const Transform& transform, const LoaderOptions& options)
      : ring(std::move(dataset), transform, options, options.num_workers > 0 ? options.prefetch : 0) {}

  BatchRing ring;
  std::mutex mutex;
  std::int64_t tasks = 0;  ///< enqueued or running
};

void check(const Dataset* dataset, const Transform& transform, const LoaderOptions& options) {
  if (dataset == nullptr) fail(ErrorCode::invalid_argument, "the loader got no data set");
  if (options.batch_size < 1) {
    fail(ErrorCode::invalid_argument, "batch_size is ", options.batch_size, ", must be at least 1");
  }
  if (options.num_workers < 0 || options.num_workers > 1024) {
    fail(ErrorCode::invalid_argument, "num_workers is ", options.num_workers, ", must be 0 to 1024");
  }
  if (options.shard.count < 1 || options.shard.index < 0 || options.shard.index >= options.shard.count) {
    fail(ErrorCode::invalid_argument, "shard ", options.shard.index, " of ", options.shard.count,
         " does not exist: shards count from 0");
  }
  if (options.prefetch < 1) {
    fail(ErrorCode::invalid_argument, "prefetch is ", options.prefetch, ", must be at least 1");
  }
  if (options.first_batch < 0) {
    fail(ErrorCode::invalid_argument, "first_batch is ", options.first_batch, ", must be at least 0");
  }
  if (transform.image_size < 1) {
    fail(ErrorCode::invalid_argument, "image_size is ", transform.image_size, ", must be at least 1");
  }
  if (transform.crop_padding < 0) {
    fail(ErrorCode::invalid_argument, "crop_padding is ", transform.crop_padding, ", must be at least 0");
  }
}

/// The threads of all loaders that want so many. An arena for each loader would stay, with its task, when the
/// loader is gone before a thread came to it, and threads that have to share busy processors take a tenth of
/// a second from one arena to the next: loaders that come and go faster would leave more and more behind.
tbb::task_arena& arena_of(int threads) {
  static std::mutex mutex;
  // Never destroyed: threads may still load while the program ends.
  static auto* const arenas = new std::map<int, tbb::task_arena>;
  const std::lock_guard lock(mutex);
  // No slot is kept for the caller's thread, so tasks never wait for it. When threads are few or busy,
  // Loader::next fills what nobody else has begun, so progress depends on no thread but the caller's.
  return arenas->try_emplace(threads, threads, 0).first->second;
}

}  // namespace

struct Loader::Implementation {
  Implementation(std::shared_ptr<const Dataset> dataset, const Transform& transform,
                 const LoaderOptions& options)
      : num_workers(options.num_workers),
        shared(std::make_shared<Shared>(std::move(dataset), transform, options)) {
    if (num_workers == 0) return;
    // oneTBB has a thread for each core but one; who waits for disks may want more. A limit that the host
    // program has set stays in force.
    const auto allowed = [] {
      return static_cast<std::int64_t>(
          tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism));
    };
    if (num_workers >= allowed()) {
      more_threads.emplace(tbb::global_control::max_allowed_parallelism,
                           static_cast<std::size_t>(num_workers + 1));
    }
    arena = &arena_of(static_cast<int>(std::clamp<std::int64_t>(allowed() - 1, 1, num_workers)));
  }

  void start_tasks() {
    if (num_workers == 0 || !shared->ring.has_work()) return;
    std::int64_t missing = 0;
    {
      const std::lock_guard lock(shared->mutex);
      missing = num_workers - shared->tasks;
      shared->tasks = num_workers;
    }
    for (; missing > 0; --missing) {
      to_task.give();
      arena->enqueue([waiting = std::weak_ptr(shared)] {
        to_task.take();
        const std::shared_ptr<Shared> state = waiting.lock();
        if (state == nullptr) return;
        // A task that has just found nothing must not hide work that appears before it has signed off.
        do {
          state->ring.fill();
          const std::lock_guard lock(state->mutex);
          if (!state->ring.has_work()) {
            --state->tasks;
            return;
          }
        } while (true);
      });
    }
  }

  const std::int64_t num_workers;
  const std::shared_ptr<Shared> shared;
  std::optional<tbb::global_control> more_threads;
  tbb::task_arena* arena = nullptr;  ///< without num_workers none
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, Transform transform, LoaderOptions options) {
  check(dataset.get(), transform, options);
  implementation_ = std::make_unique<Implementation>(std::move(dataset), transform, options);
  implementation_->start_tasks();
}

Loader::~Loader() { implementation_->shared->ring.cancel(); }

std::int64_t Loader::num_batches() const { return implementation_->shared->ring.num_batches(); }

bool Loader::next(Batch& batch) {
  BatchRing& ring = implementation_->shared->ring;
  if (!ring.advance()) return false;
  implementation_->start_tasks();
  batch = ring.current();
  return true;
}

}  // namespace deepmoe
