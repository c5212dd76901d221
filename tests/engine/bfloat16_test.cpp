#include "engine/bfloat16.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using namespace deepmoe;

TEST_CASE("the nearest bfloat16 is at most half a step away and ties go to even") {
  for (const float x : {0.0F, -0.0F, 1.0F, -3.14159F, 1e-30F, 6.5e30F, 0.1F}) {
    const float rounded = to_float(nearest<BFloat16>(x));
    CHECK(std::abs(rounded - x) <= std::abs(x) / 256.0F);
    CHECK(to_float(nearest<BFloat16>(rounded)) == rounded);
  }
  CHECK(to_float(nearest<BFloat16>(1.0F + 1.0F / 256)) == 1.0F);
  CHECK(to_float(nearest<BFloat16>(1.0F + 3.0F / 256)) == 1.0F + 4.0F / 256);
}
