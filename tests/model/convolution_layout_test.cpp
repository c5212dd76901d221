#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/convolution_layout.hpp"

#include "model/precision.hpp"

using namespace deepmoe;

namespace {

constexpr at::MemoryFormat planes = at::MemoryFormat::Contiguous, last = at::MemoryFormat::ChannelsLast;

at::Tensor image_of(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return at::zeros({2, channels, height, width});
}

}  // namespace

TEST_CASE("convolutions of large planes in bf16 have channels last") {
  const Convolution convolution{.channels = 64, .kernel = 3, .stride = 1, .padding = 1};
  const Convolution halving{.channels = 64, .kernel = 3, .stride = 2, .padding = 1};
  const Convolution narrow{.channels = 48, .kernel = 3, .stride = 1, .padding = 1};
  {
    const Autocast bf16(Precision::bf16, at::Device(at::kCPU));
    CHECK((fastest_layout(image_of(3, 32, 32), convolution) == last));
    CHECK((fastest_layout(image_of(64, 14, 14), convolution) == last));
    CHECK((fastest_layout(image_of(64, 14, 14), halving) == planes));
    CHECK((fastest_layout(image_of(64, 28, 7), convolution) == planes));
    CHECK((fastest_layout(image_of(64, 32, 32), narrow) == planes));
  }
  CHECK((fastest_layout(image_of(3, 32, 32), convolution) == planes));
}

TEST_CASE("an embedding network follows its first convolution") {
  CHECK((fastest_embedding_layout(image_of(3, 64, 64)) == last));
  CHECK((fastest_embedding_layout(image_of(3, 64, 32)) == planes));
  CHECK((fastest_embedding_layout(image_of(24, 32, 32).contiguous(last)) == last));
}
