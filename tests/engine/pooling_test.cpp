#include "engine/pooling.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace deepmoe;

TEST_CASE("max pools equal their definition for any window and plane") {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const std::vector<std::string> targets = kernel_targets();
  for (int round = 0; round < 200; ++round) {
    PoolWindow window{1 + static_cast<std::int32_t>(random() % 5),
                      1 + static_cast<std::int32_t>(random() % 3), 0};
    window.padding = static_cast<std::int32_t>(random() % static_cast<unsigned>(window.kernel / 2 + 1));
    Shape in{1, window.kernel + static_cast<std::int64_t>(random() % 9),
             window.kernel + static_cast<std::int64_t>(random() % 9)};
    if (round % 10 == 0) in.width += 600;
    if (round % 4 == 1) {
      window = {2, 2, 0};
      // Even extents have a path of their own, and the narrowest ones others.
      in.width =
          random() % 2 == 0 ? 1 << (1 + random() % 3) : 2 * (1 + static_cast<std::int64_t>(random() % 20));
      in.height = 2 + static_cast<std::int64_t>(random() % 7);
    }
    const auto extent = [&](std::int64_t of) {
      return (of + 2 * window.padding - window.kernel) / window.stride + 1;
    };
    const Shape out{1, extent(in.height), extent(in.width)};
    const std::int64_t planes = 1 + static_cast<std::int64_t>(random() % 9);
    std::vector<float> x(static_cast<std::size_t>(planes * in.elements()));
    for (float& v : x) v = normal(random);
    if (round % 3 == 0) x[random() % x.size()] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> y(static_cast<std::size_t>(planes * out.elements()), -99.0F);
    max_pool(kernels(targets[static_cast<std::size_t>(round / 5) % targets.size()]), window, in, out,
             static_cast<std::int32_t>(planes), x.data(), y.data());
    bool equal = true;
    for (std::int64_t i = 0; i < planes * out.height; ++i) {
      for (std::int64_t j = 0; j < out.width; ++j) {
        const std::int64_t plane = i / out.height, y_of_plane = i % out.height;
        float most = -std::numeric_limits<float>::infinity();
        bool is_number = true;
        for (std::int64_t r = 0; r < window.kernel; ++r) {
          for (std::int64_t c = 0; c < window.kernel; ++c) {
            const std::int64_t row = y_of_plane * window.stride - window.padding + r,
                               column = j * window.stride - window.padding + c;
            if (row < 0 || column < 0 || row >= in.height || column >= in.width) continue;
            const float v = x[static_cast<std::size_t>((plane * in.height + row) * in.width + column)];
            is_number = is_number && !std::isnan(v);
            most = std::max(most, v);
          }
        }
        const float got = y[static_cast<std::size_t>(i * out.width + j)];
        equal = equal && (is_number ? got == most : std::isnan(got));
      }
    }
    INFO(planes, " planes, kernel ", window.kernel, ", stride ", window.stride, ", padding ", window.padding,
         ", ", in.height, " x ", in.width);
    CHECK(equal);
  }
}

TEST_CASE("an adaptive average pool takes overlapping windows where extents do not divide") {
  const Shape in{2, 3, 3}, out{2, 2, 2};
  const std::vector<float> x{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19};
  std::vector<float> y(8);
  average_pool(in, out, 2, x.data(), y.data());
  CHECK(y == std::vector<float>{3, 4, 6, 7, 13, 14, 16, 17});
}

TEST_CASE("an average pool to one pixel is the mean of each plane") {
  const Shape in{2, 2, 3}, out{2, 1, 1};
  const std::vector<float> x{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16};
  std::vector<float> y(2);
  average_pool(in, out, 2, x.data(), y.data());
  CHECK(y == std::vector<float>{3.5F, 13.5F});
}
