#include "data/random_erasing.hpp"

#include <algorithm>
#include <cmath>

namespace deepmoe {

Rectangle random_erased_rectangle(ImageExtent image, RandomStream& random) {
  constexpr double least_share = 0.02, most_share = 0.33;
  constexpr double lowest = 0.3, highest = 3.3;  // height / width
  constexpr int draws = 10;
  const double image_area = static_cast<double>(image.height) * static_cast<double>(image.width);
  for (int draw = 0; draw < draws; ++draw) {
    const double area = image_area * random.uniform(least_share, most_share);
    const double shape = std::exp(random.uniform(std::log(lowest), std::log(highest)));
    const auto side = [](double length) { return std::max<std::int64_t>(1, std::llround(length)); };
    const std::int64_t height = side(std::sqrt(area * shape)), width = side(std::sqrt(area / shape));
    if (height >= image.height || width >= image.width) continue;
    const auto place = [&](std::int64_t spare) {
      return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spare + 1)));
    };
    const std::int64_t top = place(image.height - height);
    return {top, place(image.width - width), height, width};
  }
  return {};
}

}  // namespace deepmoe
