#include "training/batch_mixing.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace deepmoe {
namespace {

std::mt19937_64 generator_for(std::uint64_t seed, std::int64_t step) {
  // The last number keeps this stream apart from others that are made of a seed and a count.
  std::seed_seq numbers{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                        static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
                        0x6d697875U};
  return std::mt19937_64(numbers);
}

/// A number from Beta(parameter, parameter).
double draw_share(std::mt19937_64& generator, double parameter) {
  std::gamma_distribution<double> gamma(parameter);
  const double first = gamma(generator), second = gamma(generator);
  // A tiny parameter makes both underflow; its shares are 0 or 1.
  return first + second > 0.0 ? first / (first + second) : 1.0;
}

/// The rectangle of Yun et al.: its sides have the same share of the image's, and what stands out is cut off.
void draw_rectangle(std::mt19937_64& generator, std::int64_t height, std::int64_t width, Mixture& mixture) {
  const double side = std::sqrt(1.0 - mixture.share);
  const auto place = [&](std::int64_t extent, std::int64_t& start, std::int64_t& length) {
    const auto wish = static_cast<std::int64_t>(side * static_cast<double>(extent));
    const std::int64_t center = std::uniform_int_distribution<std::int64_t>(0, extent - 1)(generator);
    start = std::max<std::int64_t>(0, center - wish / 2);
    length = std::min(extent, center - wish / 2 + wish) - start;
  };
  place(height, mixture.top, mixture.height);
  place(width, mixture.left, mixture.width);
  mixture.share =
      1.0 - static_cast<double>(mixture.height * mixture.width) / static_cast<double>(height * width);
}

at::Tensor mix_images(const at::Tensor& images, const Mixture& mixture) {
  const at::Tensor partners = images.roll(mixture.offset, 0);
  if (mixture.kind == Mixture::Kind::blend) return at::lerp(partners, images, mixture.share);
  const auto rectangle = [&](const at::Tensor& whole) {
    return whole.narrow(2, mixture.top, mixture.height).narrow(3, mixture.left, mixture.width);
  };
  at::Tensor mixed = images.clone();
  rectangle(mixed).copy_(rectangle(partners));
  return mixed;
}

}  // namespace

BatchMixing::BatchMixing(const Options& options, std::int64_t num_classes)
    : mixup_(options.real("mixup")),
      cutmix_(options.real("cutmix")),
      seed_(static_cast<std::uint64_t>(options.integer("seed"))),
      num_classes_(num_classes) {}

Mixture BatchMixing::draw(std::int64_t step, std::int64_t samples, std::int64_t height,
                          std::int64_t width) const {
  Mixture mixture;
  if ((mixup_ == 0.0 && cutmix_ == 0.0) || samples < 2) return mixture;
  std::mt19937_64 generator = generator_for(seed_, step);
  mixture.kind = mixup_ > 0.0 ? Mixture::Kind::blend : Mixture::Kind::paste;
  if (mixup_ > 0.0 && cutmix_ > 0.0 && std::bernoulli_distribution(0.5)(generator)) {
    mixture.kind = Mixture::Kind::paste;
  }
  // Never 0 places, so that no image is its own partner.
  mixture.offset = std::uniform_int_distribution<std::int64_t>(1, samples - 1)(generator);
  mixture.share = draw_share(generator, mixture.kind == Mixture::Kind::blend ? mixup_ : cutmix_);
  if (mixture.kind == Mixture::Kind::paste) draw_rectangle(generator, height, width, mixture);
  return mixture;
}

MixedBatch BatchMixing::mix(const at::Tensor& images, const at::Tensor& labels, std::int64_t step) const {
  const Mixture mixture = draw(step, images.size(0), images.size(2), images.size(3));
  if (mixture.kind == Mixture::Kind::none) return {images, labels, labels};
  const at::Tensor own = at::one_hot(labels, num_classes_).to(at::kFloat);
  const at::Tensor targets = at::lerp(own.roll(mixture.offset, 0), own, mixture.share);
  return {mix_images(images, mixture), targets,
          mixture.share >= 0.5 ? labels : labels.roll(mixture.offset, 0)};
}

}  // namespace deepmoe
