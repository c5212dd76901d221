#include "forward.hpp"

#include <dlpack/dlpack.h>

#include <algorithm>
#include <cstddef>

namespace deepmoe::command {
namespace {

std::size_t product(const std::vector<std::int64_t>& shape, std::size_t first) {
  std::size_t elements = 1;
  for (std::size_t i = first; i < shape.size(); ++i) elements *= static_cast<std::size_t>(shape[i]);
  return elements;
}

/// The outputs for `count` images from `first` on, which the library reads in place.
TensorsHandle forward_slice(const ModelHandle& model, const NamedTensor& images, std::int64_t first,
                            std::int64_t count) {
  std::vector<std::int64_t> shape = images.shape;
  shape[0] = count;
  const std::size_t offset = static_cast<std::size_t>(first) * product(images.shape, 1);
  DLManagedTensor slice = {};
  slice.dl_tensor.data = const_cast<float*>(images.values.data() + offset);
  slice.dl_tensor.device.device_type = kDLCPU;
  slice.dl_tensor.ndim = static_cast<int>(shape.size());
  slice.dl_tensor.dtype = {kDLFloat, 32, 1};
  slice.dl_tensor.shape = shape.data();
  TensorsHandle outputs;
  call(dmoe_model_forward, model.get(), static_cast<const DLManagedTensor*>(&slice), outputs.out());
  return outputs;
}

}  // namespace

std::vector<std::int64_t> tensor_shape(const TensorsHandle& tensors, const std::string& name) {
  std::vector<std::int64_t> shape(64);  // The most that a tensor can have.
  std::int64_t rank = 0;
  call(dmoe_tensors_shape, static_cast<const dmoe_tensors*>(tensors.get()), name.c_str(), shape.data(),
       std::int64_t{64}, &rank);
  shape.resize(static_cast<std::size_t>(rank));
  return shape;
}

NamedTensor read_tensor(const TensorsHandle& tensors, const std::string& name) {
  NamedTensor tensor{name, tensor_shape(tensors, name), {}};
  tensor.values.resize(product(tensor.shape, 0));
  call(dmoe_tensors_read_f32, static_cast<const dmoe_tensors*>(tensors.get()), name.c_str(),
       tensor.values.data(), static_cast<std::int64_t>(tensor.values.size()),
       static_cast<std::int64_t*>(nullptr));
  return tensor;
}

std::vector<NamedTensor> forward(const ModelHandle& model, const NamedTensor& images,
                                 std::int64_t batch_size) {
  std::vector<NamedTensor> outputs;
  const std::int64_t count = images.shape.at(0);
  for (std::int64_t first = 0; first < count; first += batch_size) {
    const TensorsHandle part = forward_slice(model, images, first, std::min(batch_size, count - first));
    for (std::int64_t i = 0; i < dmoe_tensors_count(part.get()); ++i) {
      NamedTensor tensor = read_tensor(part, dmoe_tensors_name(part.get(), i));
      if (first == 0) {
        tensor.values.reserve(static_cast<std::size_t>(count) * product(tensor.shape, 1));
        outputs.push_back(std::move(tensor));
        continue;
      }
      NamedTensor& whole = outputs.at(static_cast<std::size_t>(i));
      whole.shape[0] += tensor.shape[0];
      whole.values.insert(whole.values.end(), tensor.values.begin(), tensor.values.end());
    }
  }
  return outputs;
}

}  // namespace deepmoe::command
