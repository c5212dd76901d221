#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "data/data.hpp"

namespace deepmoe {

/// The batches of one pass, filled ahead of the reader in a ring of reusable buffers. A batch is split into
/// chunks; any thread may claim and fill the next chunk, and what it writes depends on the chunk alone, so
/// neither the number of threads nor their timing shows in the result.
class BatchRing {
 public:
  /// `ahead` batches may be filled or under way beyond the one that the reader holds.
  BatchRing(std::shared_ptr<const Dataset> dataset, const Transform& transform, const LoaderOptions& options,
            std::int64_t ahead);

  std::int64_t num_batches() const { return num_batches_; }

  /// For filling threads: claims and fills chunks until none can be claimed.
  void fill();

  /// Whether fill() would find something to do.
  bool has_work();

  /// For the reader: hands back the batch it holds and opens its buffer to the filling threads. False at the
  /// end.
  bool advance();

  /// For the reader, after advance() was true: helps to fill the current batch where nobody has claimed it,
  /// waits for the others, and returns it. Rethrows the error of its first sample that failed.
  Batch current();

  /// Stops fill() everywhere after the samples under way, and returns when no thread is inside it.
  void cancel();

 private:
  struct Slot {
    std::shared_ptr<float> images;
    std::shared_ptr<std::int64_t> labels;
    std::vector<std::int64_t> indices;
    std::int64_t unfinished_chunks = 0;
    std::exception_ptr error;
    std::int64_t error_chunk = 0;
  };
  struct Chunk {
    std::int64_t batch, number, first, last;  ///< samples first..last-1 of the batch
  };

  std::int64_t batch_size(std::int64_t batch) const;
  std::int64_t chunks_in(std::int64_t batch) const;
  Slot& slot_of(std::int64_t batch) { return slots_[static_cast<std::size_t>(batch) % slots_.size()]; }
  bool claimable() const;
  void allocate(Slot& slot) const;
  std::optional<Chunk> claim(std::int64_t last_batch);
  void fill_chunk(const Chunk& chunk, std::vector<std::byte>& scratch);
  void fill_samples(const Chunk& chunk, Slot& slot, std::vector<std::byte>& scratch);

  const std::shared_ptr<const Dataset> dataset_;
  const Transform transform_;
  const LoaderOptions options_;
  const std::int64_t samples_;  ///< of the shard
  const std::int64_t num_batches_;
  std::vector<std::int64_t> order_;  ///< empty: the data set's own
  std::vector<Slot> slots_;
  std::vector<std::byte> scratch_;  ///< the reader's

  std::mutex mutex_;  ///< guards what follows, and the counters and errors of the slots
  std::condition_variable changed_;
  std::int64_t current_;  ///< the reader's batch
  std::int64_t claim_batch_, claim_chunk_ = 0;
  std::int64_t filling_ = 0;  ///< threads inside a chunk
  bool cancelled_ = false;
};

}  // namespace deepmoe
