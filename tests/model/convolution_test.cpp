#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/convolution.hpp"

using namespace deepmoe;

TEST_CASE("convolutions equal those of LibTorch for every small plane and kernel") {
  const at::Tensor bias_values = at::linspace(-1, 1, 5, at::kDouble);
  int compared = 0;
  for (const std::int64_t kernel : {1, 2, 3, 5, 7}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (std::int64_t padding = 0; padding <= kernel / 2; ++padding) {
        for (std::int64_t height = 1; height <= 6; ++height) {
          for (const std::int64_t width : {height, height + 1}) {
            if (height + 2 * padding < kernel || width + 2 * padding < kernel) continue;
            CAPTURE(kernel);
            CAPTURE(stride);
            CAPTURE(padding);
            CAPTURE(height);
            CAPTURE(width);
            const auto input =
                at::sin(at::arange(2 * 3 * height * width, at::kDouble)).view({2, 3, height, width});
            const auto weight =
                at::cos(at::arange(5 * 3 * kernel * kernel, at::kDouble)).view({5, 3, kernel, kernel});
            at::Tensor ours_input = input.clone().set_requires_grad(true),
                       theirs_input = input.clone().set_requires_grad(true);
            at::Tensor ours_weight = weight.clone().set_requires_grad(true),
                       theirs_weight = weight.clone().set_requires_grad(true);
            at::Tensor ours_bias = bias_values.clone().set_requires_grad(true),
                       theirs_bias = bias_values.clone().set_requires_grad(true);
            const at::Tensor ours =
                convolve(ours_input, ours_weight, ours_bias, {5, kernel, stride, padding, true});
            const at::Tensor theirs = at::conv2d(theirs_input, theirs_weight, theirs_bias, stride, padding);
            REQUIRE(ours.sizes() == theirs.sizes());
            CHECK(at::allclose(ours, theirs, 1e-9, 1e-11));
            ours.square().sum().backward();
            theirs.square().sum().backward();
            CHECK(at::allclose(ours_input.grad(), theirs_input.grad(), 1e-9, 1e-11));
            CHECK(at::allclose(ours_weight.grad(), theirs_weight.grad(), 1e-9, 1e-11));
            CHECK(at::allclose(ours_bias.grad(), theirs_bias.grad(), 1e-9, 1e-11));
            ++compared;
          }
        }
      }
    }
  }
  CHECK(compared > 200);
}
