#include <doctest/doctest.h>

#include "architecture/architecture.hpp"

using namespace deepmoe;

TEST_CASE("each operation has its own name") {
  CHECK(operation_name(Input{}) == "input");
  CHECK(operation_name(Convolution{.channels = 1, .kernel = 1}) == "conv");
  CHECK(operation_name(BatchNorm{}) == "batch_norm");
  CHECK(operation_name(Relu{}) == "relu");
  CHECK(operation_name(Gelu{}) == "gelu");
  CHECK(operation_name(Gate{}) == "gate");
  CHECK(operation_name(MaxPool{.kernel = 2, .stride = 2}) == "max_pool");
  CHECK(operation_name(AveragePool{}) == "avg_pool");
  CHECK(operation_name(Flatten{}) == "flatten");
  CHECK(operation_name(Linear{.channels = 1}) == "linear");
  CHECK(operation_name(Dropout{}) == "dropout");
  CHECK(operation_name(Add{}) == "add");
}
