#include "model/images.hpp"

#include "base/base.hpp"
#include "model/tensor_bridge.hpp"

namespace deepmoe {
namespace {

at::Tensor normalized(const at::Tensor& images, const Normalization& normalization) {
  if (images.scalar_type() == at::kFloat) return images;
  if (images.scalar_type() != at::kByte) {
    fail(ErrorCode::invalid_argument, "images must be float32 (normalised) or uint8, not ",
         at::toString(images.scalar_type()));
  }
  const auto per_channel = [&](const std::array<float, 3>& values) {
    // Written by kernels: a copy from the host's memory would wait for the device.
    const at::Tensor tensor = at::empty({1, 3, 1, 1}, images.options().dtype(at::kFloat));
    for (std::size_t i = 0; i < 3; ++i) tensor.select(1, static_cast<std::int64_t>(i)).fill_(values[i]);
    return tensor;
  };
  return (images.to(at::kFloat) / 255.0 - per_channel(normalization.mean)) /
         per_channel(normalization.deviation);
}

}  // namespace

at::Tensor prepare_images(const SharedTensor& images, const Normalization& normalization,
                          const at::Device& device) {
  if (images.shape.size() != 4 || images.shape[0] < 1) {
    fail(ErrorCode::invalid_argument, "images must have the shape (N, 3, height, width) with N at least 1");
  }
  return normalized(to_torch(images).to(device, /*non_blocking=*/true), normalization);
}

}  // namespace deepmoe
