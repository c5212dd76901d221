#include "data/random_resized_crop.hpp"

#include <algorithm>
#include <cmath>

namespace deepmoe {
namespace {

constexpr double kLeastShare = 0.08, kMostShare = 1.0;
constexpr double kNarrowest = 3.0 / 4.0, kWidest = 4.0 / 3.0;  // width / height

std::int64_t rounded(double value) { return std::max<std::int64_t>(1, std::llround(value)); }

/// The largest part in the middle whose shape is allowed.
Rectangle central_part(ImageExtent image) {
  const auto height = static_cast<double>(image.height), width = static_cast<double>(image.width);
  ImageExtent part = image;
  if (width < kNarrowest * height) part.height = rounded(width / kNarrowest);
  if (width > kWidest * height) part.width = rounded(height * kWidest);
  return {(image.height - part.height) / 2, (image.width - part.width) / 2, part.height, part.width};
}

}  // namespace

Rectangle random_resized_crop(ImageExtent image, RandomStream& random) {
  constexpr int draws = 10;
  const double image_area = static_cast<double>(image.height) * static_cast<double>(image.width);
  for (int draw = 0; draw < draws; ++draw) {
    const double area = image_area * random.uniform(kLeastShare, kMostShare);
    const double shape = std::exp(random.uniform(std::log(kNarrowest), std::log(kWidest)));
    const std::int64_t height = rounded(std::sqrt(area / shape)), width = rounded(std::sqrt(area * shape));
    if (height > image.height || width > image.width) continue;
    const auto place = [&](std::int64_t spare) {
      return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spare + 1)));
    };
    const std::int64_t top = place(image.height - height);
    return {top, place(image.width - width), height, width};
  }
  return central_part(image);
}

}  // namespace deepmoe
