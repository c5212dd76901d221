#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>

#include "data/data.hpp"

namespace deepmoe {

/// The batches of one pass over a data set as tensors on a device. On the CPU they are the loader's own
/// memory. For CUDA the loader's workers write to pinned memory, and each batch is copied on a stream of its
/// own: since steps are launched and not waited for, while earlier ones are still computed. One thread at a
/// time.
class BatchFeed {
 public:
  BatchFeed(std::shared_ptr<const Dataset> dataset, const Transform& transform, LoaderOptions options,
            const at::Device& device);
  ~BatchFeed();
  BatchFeed(const BatchFeed&) = delete;
  BatchFeed& operator=(const BatchFeed&) = delete;

  /// The next batch: images (N, 3, image_size, image_size) f32 and labels (N) i64. Work may read them that is
  /// launched on the current stream before the next call. False at the end. Waits for the workers and, on
  /// CUDA, for the device where it is more than two batches behind. Errors: those of Loader, and of LibTorch
  /// on CUDA.
  bool next(at::Tensor& images, at::Tensor& labels);

 private:
  class DeviceCopies;

  std::int64_t image_size_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<DeviceCopies> copies_;  ///< on CUDA
};

}  // namespace deepmoe
