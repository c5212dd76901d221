#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/tensor_bridge.hpp"

#include "base/base.hpp"

using namespace deepmoe;

TEST_CASE("every data type survives the way there and back without a copy") {
  for (const DataType type : {DataType::boolean, DataType::u8, DataType::i8, DataType::i16, DataType::i32,
                              DataType::i64, DataType::f16, DataType::bf16, DataType::f32, DataType::f64}) {
    const at::Tensor tensor = at::ones({2, 3}, scalar_type(type));
    const SharedTensor shared = to_shared("name", tensor);
    CHECK(shared.type == type);
    CHECK(shared.data == tensor.data_ptr());
    CHECK(shared.shape == std::vector<std::int64_t>{2, 3});
    CHECK(to_torch(shared).data_ptr() == tensor.data_ptr());
  }
}

TEST_CASE("a shared tensor keeps its memory alive") {
  at::Tensor back;
  {
    at::Tensor tensor = at::full({1000}, 3.0F);
    back = to_torch(to_shared("name", tensor));
  }
  CHECK(back.eq(3.0F).all().item<bool>());
}

TEST_CASE("a transposed tensor arrives in row-major order") {
  const at::Tensor tensor = at::arange(6, at::kFloat).view({2, 3}).t();
  const SharedTensor shared = to_shared("name", tensor);
  CHECK(shared.shape == std::vector<std::int64_t>{3, 2});
  CHECK(static_cast<float*>(shared.data)[1] == 3.0F);
}

TEST_CASE("types without a name in safetensors are refused") {
  CHECK_THROWS_AS(to_shared("name", at::zeros({1}, at::kComplexFloat)), Error);
}
