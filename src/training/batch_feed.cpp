#include "training/batch_feed.hpp"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <array>
#include <utility>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"

namespace deepmoe {
namespace {

/// Memory that the device reads by itself. Where there is no more of it, copies from other memory are just
/// slower.
std::shared_ptr<void> pinned_memory(std::size_t bytes) {
  const auto size = static_cast<std::int64_t>(bytes);
  at::Tensor tensor;
  try {
    tensor = at::empty({size}, at::TensorOptions(at::kByte).pinned_memory(true));
  } catch (const c10::Error& error) {
    log(LogLevel::warning, concat("batches are not in pinned memory (", error.what_without_backtrace(), ")"));
    tensor = at::empty({size}, at::TensorOptions(at::kByte));
  }
  return {tensor.mutable_data_ptr(), [tensor](void*) {}};
}

}  // namespace

/// Two places on a CUDA device, which batches are copied to in turn.
class BatchFeed::DeviceCopies {
 public:
  explicit DeviceCopies(const at::Device& device)
      : device_(device), guard_(at::kCUDA), copying_(guard_.getStreamFromGlobalPool(device)) {}

  ~DeviceCopies() {
    try {
      leave();
    } catch (const std::exception& error) {
      log(LogLevel::warning, concat("the last copy to the device failed: ", error.what()));
    }
  }
  DeviceCopies(const DeviceCopies&) = delete;
  DeviceCopies& operator=(const DeviceCopies&) = delete;

  /// Says that all that reads the last batch has been launched, and waits until that batch has left the
  /// host's memory. As its copy had to wait until its place was free, the host is never further ahead than
  /// this.
  void leave() {
    if (!in_use_) return;
    places_[current_].read.record(guard_.getStream(device_));
    places_[current_].copied.synchronize();
    in_use_ = false;
  }

  /// Replaces tensors of the host by copies that work on the current stream finds complete.
  void copy(at::Tensor& images, at::Tensor& labels) {
    current_ = 1 - current_;
    Place& place = places_[current_];
    const c10::Stream reading = guard_.getStream(device_);
    const std::int64_t count = images.size(0);
    if (!place.images.defined()) {
      // Batches are never larger than the first.
      place.images = at::empty_like(images, images.options().device(device_));
      place.labels = at::empty_like(labels, labels.options().device(device_));
      // What had this memory before may still be at work.
      place.read.record(reading);
    }
    const at::Tensor images_there = place.images.narrow(0, 0, count);
    const at::Tensor labels_there = place.labels.narrow(0, 0, count);
    {
      const c10::StreamGuard guard(copying_);
      place.read.block(copying_);
      images_there.copy_(images, /*non_blocking=*/true);
      labels_there.copy_(labels, /*non_blocking=*/true);
      place.copied.record(copying_);
    }
    place.copied.block(reading);
    in_use_ = true;
    images = images_there;
    labels = labels_there;
  }

 private:
  struct Place {
    at::Tensor images, labels;
    c10::Event copied{at::kCUDA}, read{at::kCUDA};
  };

  at::Device device_;
  c10::impl::VirtualGuardImpl guard_;
  c10::Stream copying_;
  std::array<Place, 2> places_;
  std::size_t current_ = 0;
  bool in_use_ = false;
};

BatchFeed::BatchFeed(std::shared_ptr<const Dataset> dataset, const Transform& transform,
                     LoaderOptions options, const at::Device& device)
    : image_size_(transform.image_size) {
  if (device.is_cuda()) {
    copies_ = with_libtorch_errors([&] { return std::make_unique<DeviceCopies>(device); });
    options.allocate = pinned_memory;
  }
  loader_ = std::make_unique<Loader>(std::move(dataset), transform, std::move(options));
}

BatchFeed::~BatchFeed() {
  // The copies read the loader's memory.
  copies_.reset();
}

bool BatchFeed::next(at::Tensor& images, at::Tensor& labels) {
  return with_libtorch_errors([&] {
    if (copies_) copies_->leave();
    Batch batch;
    if (!loader_->next(batch)) return false;
    images = at::from_blob(const_cast<float*>(batch.images), {batch.size, 3, image_size_, image_size_},
                           at::kFloat);
    labels = at::from_blob(const_cast<std::int64_t*>(batch.labels), {batch.size}, at::kLong);
    if (copies_) copies_->copy(images, labels);
    return true;
  });
}

}  // namespace deepmoe
