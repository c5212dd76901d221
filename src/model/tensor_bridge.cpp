#include "model/tensor_bridge.hpp"

#include <memory>
#include <utility>

#include "base/base.hpp"

namespace deepmoe {

at::ScalarType scalar_type(DataType type) {
  switch (type) {
    case DataType::boolean:
      return at::kBool;
    case DataType::u8:
      return at::kByte;
    case DataType::i8:
      return at::kChar;
    case DataType::i16:
      return at::kShort;
    case DataType::i32:
      return at::kInt;
    case DataType::i64:
      return at::kLong;
    case DataType::f16:
      return at::kHalf;
    case DataType::bf16:
      return at::kBFloat16;
    case DataType::f32:
      return at::kFloat;
    case DataType::f64:
      return at::kDouble;
  }
  fail(ErrorCode::internal, "data type ", static_cast<int>(type), " is unknown");
}

DataType data_type(at::ScalarType type) {
  switch (type) {
    case at::kBool:
      return DataType::boolean;
    case at::kByte:
      return DataType::u8;
    case at::kChar:
      return DataType::i8;
    case at::kShort:
      return DataType::i16;
    case at::kInt:
      return DataType::i32;
    case at::kLong:
      return DataType::i64;
    case at::kHalf:
      return DataType::f16;
    case at::kBFloat16:
      return DataType::bf16;
    case at::kFloat:
      return DataType::f32;
    case at::kDouble:
      return DataType::f64;
    default:
      fail(ErrorCode::unsupported, "tensors of type ", at::toString(type), " cannot be handed out");
  }
}

at::Tensor to_torch(const SharedTensor& tensor) {
  at::TensorOptions options = at::TensorOptions().dtype(scalar_type(tensor.type));
  options = tensor.device == DeviceType::cuda
                ? options.device(at::kCUDA, static_cast<at::DeviceIndex>(tensor.device_index))
                : options.device(at::kCPU);
  if (tensor.elements() == 0) return at::empty(tensor.shape, options);
  return at::from_blob(
      tensor.data, tensor.shape, [owner = tensor.owner](void*) {}, options);
}

SharedTensor to_shared(std::string name, const at::Tensor& tensor) {
  auto owner = std::make_shared<at::Tensor>(tensor.detach().contiguous());
  SharedTensor shared;
  shared.name = std::move(name);
  shared.type = data_type(owner->scalar_type());
  shared.shape = owner->sizes().vec();
  shared.data = owner->data_ptr();
  shared.device = owner->is_cuda() ? DeviceType::cuda : DeviceType::cpu;
  shared.device_index = owner->is_cuda() ? owner->device().index() : 0;
  shared.owner = std::move(owner);
  return shared;
}

}  // namespace deepmoe
