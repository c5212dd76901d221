#include "data/batch_ring.hpp"

#include <algorithm>
#include <utility>

#include "data/random.hpp"
#include "data/shuffle.hpp"

namespace deepmoe {
namespace {

/// Small enough that threads share one batch evenly, large enough that claiming costs nothing.
constexpr std::int64_t kChunkSamples = 16;

std::shared_ptr<void> memory_on_heap(std::size_t bytes) {
  return {::operator new(bytes), [](void* memory) { ::operator delete(memory); }};
}

}  // namespace

BatchRing::BatchRing(std::shared_ptr<const Dataset> dataset, const Transform& transform,
                     const LoaderOptions& options, std::int64_t ahead)
    : dataset_(std::move(dataset)),
      transform_(transform),
      options_(options),
      samples_(options.shard.size(dataset_->size())),
      num_batches_(count_batches(dataset_->size(), options)),
      slots_(static_cast<std::size_t>(std::max<std::int64_t>(1, std::min(ahead + 1, num_batches_)))),
      current_(options.first_batch - 1),
      claim_batch_(options.first_batch) {
  if (options_.shuffle) order_ = shuffled_order(dataset_->size(), options_.seed, options_.epoch);
}

std::int64_t BatchRing::batch_size(std::int64_t batch) const {
  return std::min(options_.batch_size, samples_ - batch * options_.batch_size);
}

std::int64_t BatchRing::chunks_in(std::int64_t batch) const {
  return (batch_size(batch) + kChunkSamples - 1) / kChunkSamples;
}

bool BatchRing::claimable() const {
  const std::int64_t oldest = std::max(current_, options_.first_batch);
  return !cancelled_ && claim_batch_ < num_batches_ &&
         claim_batch_ < oldest + static_cast<std::int64_t>(slots_.size());
}

bool BatchRing::has_work() {
  const std::lock_guard lock(mutex_);
  return claimable();
}

void BatchRing::allocate(Slot& slot) const {
  const auto samples = static_cast<std::size_t>(std::min(options_.batch_size, samples_));
  const auto side = static_cast<std::size_t>(transform_.image_size);
  const auto memory = options_.allocate ? options_.allocate : memory_on_heap;
  slot.images = std::static_pointer_cast<float>(memory(samples * 3 * side * side * sizeof(float)));
  slot.labels = std::static_pointer_cast<std::int64_t>(memory(samples * sizeof(std::int64_t)));
  slot.indices.resize(samples);
}

std::optional<BatchRing::Chunk> BatchRing::claim(std::int64_t last_batch) {
  const std::lock_guard lock(mutex_);
  if (!claimable() || claim_batch_ > last_batch) return std::nullopt;
  const std::int64_t first = claim_chunk_ * kChunkSamples;
  const Chunk chunk{claim_batch_, claim_chunk_, first,
                    std::min(first + kChunkSamples, batch_size(claim_batch_))};
  Slot& slot = slot_of(claim_batch_);
  if (claim_chunk_ == 0) {
    slot.unfinished_chunks = chunks_in(claim_batch_);
    slot.error = nullptr;
    // All of a slot's memory comes once, with the first batch that it holds, and in the thread that fills it.
    if (slot.indices.empty()) allocate(slot);
  }
  if (++claim_chunk_ == chunks_in(claim_batch_)) {
    ++claim_batch_;
    claim_chunk_ = 0;
  }
  ++filling_;
  return chunk;
}

void BatchRing::fill_samples(const Chunk& chunk, Slot& slot, std::vector<std::byte>& scratch) {
  const std::int64_t image_elements = 3 * transform_.image_size * transform_.image_size;
  for (std::int64_t i = chunk.first; i < chunk.last; ++i) {
    {
      const std::lock_guard lock(mutex_);
      if (cancelled_) return;
    }
    const Shard& shard = options_.shard;
    const std::int64_t position = (chunk.batch * options_.batch_size + i) * shard.count + shard.index;
    const std::int64_t index = order_.empty() ? position : order_[static_cast<std::size_t>(position)];
    slot.indices[static_cast<std::size_t>(i)] = index;
    slot.labels.get()[i] = dataset_->label(index);
    const std::uint64_t sample_seed = stream_seed(options_.seed, static_cast<std::uint64_t>(options_.epoch),
                                                  static_cast<std::uint64_t>(index));
    apply_transform(
        transform_, [&](const ChoosePart& choose) { return dataset_->image_part(index, choose, scratch); },
        sample_seed, slot.images.get() + i * image_elements);
  }
}

void BatchRing::fill_chunk(const Chunk& chunk, std::vector<std::byte>& scratch) {
  Slot& slot = slot_of(chunk.batch);
  std::exception_ptr error;
  try {
    fill_samples(chunk, slot, scratch);
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  if (error && (!slot.error || chunk.number < slot.error_chunk)) {
    slot.error = error;
    slot.error_chunk = chunk.number;
  }
  --slot.unfinished_chunks;
  --filling_;
  if (slot.unfinished_chunks == 0 || (cancelled_ && filling_ == 0)) changed_.notify_all();
}

void BatchRing::fill() {
  std::vector<std::byte> scratch;
  while (const std::optional<Chunk> chunk = claim(num_batches_)) fill_chunk(*chunk, scratch);
}

bool BatchRing::advance() {
  const std::lock_guard lock(mutex_);
  if (current_ + 1 >= num_batches_) return false;
  ++current_;
  return true;
}

Batch BatchRing::current() {
  while (const std::optional<Chunk> chunk = claim(current_)) fill_chunk(*chunk, scratch_);
  Slot& slot = slot_of(current_);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return slot.unfinished_chunks == 0; });
  if (slot.error) std::rethrow_exception(slot.error);
  return {batch_size(current_), slot.images.get(), slot.labels.get(), slot.indices.data()};
}

void BatchRing::cancel() {
  std::unique_lock lock(mutex_);
  cancelled_ = true;
  changed_.wait(lock, [&] { return filling_ == 0; });
}

}  // namespace deepmoe
