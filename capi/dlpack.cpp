#include "dlpack.hpp"

#include <dlpack/dlpack.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "handles.hpp"

namespace deepmoe::capi {
namespace {

// kDLBool: newer than the oldest header this must compile with.
constexpr std::uint8_t bool_code = 6;
constexpr std::int32_t most_dimensions = 64;

struct TypePair {
  DataType type;
  std::uint8_t code;
  std::uint8_t bits;
};
constexpr TypePair types[] = {
    {DataType::boolean, bool_code, 8}, {DataType::u8, kDLUInt, 8},      {DataType::i8, kDLInt, 8},
    {DataType::i16, kDLInt, 16},       {DataType::i32, kDLInt, 32},     {DataType::i64, kDLInt, 64},
    {DataType::f16, kDLFloat, 16},     {DataType::bf16, kDLBfloat, 16}, {DataType::f32, kDLFloat, 32},
    {DataType::f64, kDLFloat, 64},
};

DataType data_type(const DLDataType& type, const char* parameter) {
  for (const TypePair& pair : types) {
    if (pair.code == type.code && pair.bits == type.bits && type.lanes == 1) return pair.type;
  }
  fail(
      ErrorCode::unsupported, parameter, " has elements of DLPack type code ", int{type.code}, " with ",
      int{type.bits}, " bits and ", type.lanes,
      " lanes; supported are bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32 and float64");
}

DLDataType dlpack_type(DataType type) {
  for (const TypePair& pair : types) {
    if (pair.type == type) return {pair.code, pair.bits, 1};
  }
  fail(ErrorCode::internal, "element type ", data_type_name(type), " has no DLPack type");
}

DeviceType device_type(const DLDevice& device, const char* parameter) {
  switch (static_cast<int>(device.device_type)) {
    case kDLCPU:
    case kDLCUDAHost:
      return DeviceType::cpu;
    case kDLCUDA:
    case kDLCUDAManaged:
      return DeviceType::cuda;
    default:
      fail(ErrorCode::unsupported, parameter, " is on a device of DLPack type ",
           static_cast<int>(device.device_type), "; supported are CPU (1) and CUDA (2)");
  }
}

/// The shape, once its bytes are known to fit into the address range.
std::vector<std::int64_t> shape_of(const DLTensor& tensor, DataType type, const char* parameter) {
  if (tensor.ndim < 0 || tensor.ndim > most_dimensions) {
    fail(ErrorCode::invalid_argument, parameter, " has ", tensor.ndim, " dimensions, must be 0 to ",
         most_dimensions);
  }
  if (tensor.ndim > 0 && tensor.shape == nullptr) {
    fail(ErrorCode::invalid_argument, parameter, " has ", tensor.ndim, " dimensions but no shape");
  }
  std::vector<std::int64_t> shape(tensor.shape, tensor.shape + tensor.ndim);
  // Extents of 0 are left out of the product, so that an overflow cannot hide behind one.
  std::int64_t bytes = static_cast<std::int64_t>(size_of(type));
  for (const std::int64_t extent : shape) {
    if (extent < 0) fail(ErrorCode::invalid_argument, parameter, " has the negative extent ", extent);
    if (extent > 0 && bytes > std::numeric_limits<std::int64_t>::max() / extent) {
      fail(ErrorCode::invalid_argument, parameter, " has a shape too large for the address range");
    }
    if (extent > 0) bytes *= extent;
  }
  return shape;
}

void expect_contiguous(const DLTensor& tensor, const SharedTensor& shared, const char* parameter) {
  if (tensor.strides == nullptr || shared.elements() == 0) return;
  std::int64_t stride = 1;
  for (std::size_t i = shared.shape.size(); i-- > 0;) {
    if (shared.shape[i] != 1 && tensor.strides[i] != stride) {
      fail(ErrorCode::invalid_argument, parameter, " is not contiguous: dimension ", i, " has stride ",
           tensor.strides[i], ", must be ", stride, "; hand over a contiguous copy");
    }
    stride *= shared.shape[i];
  }
}

/// What a tensor that was lent keeps until its deleter is called.
struct Loan {
  SharedTensor tensor;
  std::vector<std::int64_t> strides;
  DLManagedTensor managed{};
};

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * (shape[i] > 0 ? shape[i] : 1);
  }
  return strides;
}

}  // namespace

SharedTensor view_tensor(const DLManagedTensor* tensor, const char* parameter) {
  require(tensor, parameter);
  const DLTensor& source = tensor->dl_tensor;
  SharedTensor shared;
  shared.type = data_type(source.dtype, parameter);
  shared.device = device_type(source.device, parameter);
  shared.device_index = shared.device == DeviceType::cuda ? source.device.device_id : 0;
  shared.shape = shape_of(source, shared.type, parameter);
  expect_contiguous(source, shared, parameter);
  if (source.data == nullptr) {
    if (shared.elements() > 0) fail(ErrorCode::invalid_argument, parameter, " has elements but no data");
    return shared;
  }
  shared.data = static_cast<std::byte*>(source.data) + source.byte_offset;
  if (shared.device == DeviceType::cpu &&
      reinterpret_cast<std::uintptr_t>(shared.data) % size_of(shared.type) != 0) {
    fail(ErrorCode::invalid_argument, parameter, " has data that are not aligned to its elements of ",
         size_of(shared.type), " bytes");
  }
  return shared;
}

DLManagedTensor* lend_tensor(const SharedTensor& tensor) {
  auto loan = std::make_unique<Loan>();
  loan->tensor = tensor;
  loan->strides = contiguous_strides(tensor.shape);
  DLTensor& lent = loan->managed.dl_tensor;
  lent.data = tensor.data;
  lent.device.device_type = tensor.device == DeviceType::cuda ? kDLCUDA : kDLCPU;
  lent.device.device_id = tensor.device_index;
  lent.ndim = static_cast<std::int32_t>(tensor.shape.size());
  lent.dtype = dlpack_type(tensor.type);
  lent.shape = loan->tensor.shape.data();
  lent.strides = loan->strides.data();
  lent.byte_offset = 0;
  loan->managed.manager_ctx = loan.get();
  loan->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Loan*>(self->manager_ctx); };
  return &loan.release()->managed;
}

void delete_tensor(DLManagedTensor* tensor) noexcept {
  if (tensor == nullptr || tensor->deleter == nullptr) return;
  try {
    tensor->deleter(tensor);
  } catch (...) {  // A host's deleter has nowhere to report to.
  }
}

}  // namespace deepmoe::capi
