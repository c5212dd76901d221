#include "data/synthetic_scene.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "data/random.hpp"

namespace deepmoe {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
using Colour = std::array<float, 3>;

/// Waves are looked up by a phase whose whole turn is 2^32, so that it wraps around by itself.
class SineTable {
 public:
  SineTable() {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      values_[i] = static_cast<float>(std::sin(2.0 * std::numbers::pi * (static_cast<double>(i) + 0.5) /
                                               static_cast<double>(values_.size())));
    }
  }
  float operator()(std::uint32_t phase) const { return values_[phase >> 22]; }

 private:
  std::array<float, 1024> values_;
};

const SineTable& sine() {
  static const SineTable table;
  return table;
}

float draw(RandomStream& random, double low, double high) {
  return static_cast<float>(random.uniform(low, high));
}

std::int64_t draw_index(RandomStream& random, std::int64_t count) {
  return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(count)));
}

/// Parallel stripes: sine of a phase that grows linearly over the image.
struct Stripes {
  std::uint32_t start, per_column, per_row;

  Stripes(float angle, float spacing, float first_phase)
      : start(turns(first_phase)),
        per_column(turns(std::cos(angle) / spacing)),
        per_row(turns(std::sin(angle) / spacing)) {}

  static std::uint32_t turns(float value) {
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(static_cast<double>(value) * 4294967296.0));
  }
  std::uint32_t row(std::int64_t y) const { return start + per_row * static_cast<std::uint32_t>(y); }
};

/// Orientations are 0 to 90 degrees in equal steps, mirrored half of the time: mirroring an image keeps its
/// class.
float stripe_angle(std::int64_t orientation, RandomStream& random) {
  const float step = kPi / 2.0F / static_cast<float>(SyntheticClass::kOrientations - 1);
  const float angle = step * static_cast<float>(orientation) + draw(random, -0.09, 0.09);
  return (random.next() & 1U) != 0 ? kPi - angle : angle;
}

/// Spacing in pixels; it grows with the image, and never falls below what pixels can show.
float stripe_spacing(std::int64_t spacing, std::int64_t image_size, RandomStream& random) {
  const float side = static_cast<float>(image_size);
  const float wide = spacing == 0 ? std::max(3.0F, side / 9.0F) : std::max(5.5F, side / 5.0F);
  return wide * draw(random, 0.92, 1.08);
}

/// One of the shapes, placed in the image.
struct Figure {
  std::int64_t shape;
  float center_x, center_y, radius, cosine, sine;

  bool contains(float pixel_x, float pixel_y) const {
    const float dx = (pixel_x - center_x) / radius, dy = (pixel_y - center_y) / radius;
    const float x = std::abs(dx * cosine + dy * sine), y = dy * cosine - dx * sine;
    const float distance = x * x + y * y;
    switch (shape) {
      case 0:
        return distance < 1.0F;  // disc
      case 1:
        return x < 0.85F && std::abs(y) < 0.85F;  // square
      case 2:
        return y < 0.75F && x < 0.62F * (y + 1.0F);  // triangle
      case 3:
        return distance < 1.0F && distance > 0.25F;  // ring
      case 4:
        return (x < 0.36F || std::abs(y) < 0.36F) && x < 1.0F && std::abs(y) < 1.0F;  // cross
      default:
        return x < 1.0F && std::abs(y) < 0.45F;  // bar
    }
  }
};

struct Figures {
  std::array<Figure, 4> figures;
  std::size_t count = 0;

  bool contains(float x, float y) const {
    return std::any_of(figures.begin(), figures.begin() + static_cast<std::ptrdiff_t>(count),
                       [&](const Figure& figure) { return figure.contains(x, y); });
  }
};

/// Arrangements: one figure, two side by side, two above each other, four.
Figures place_figures(std::int64_t shape, std::int64_t arrangement, std::int64_t image_size,
                      RandomStream& random) {
  static constexpr std::array<std::int64_t, SyntheticClass::kArrangements> columns{1, 2, 1, 2},
      rows{1, 1, 2, 2};
  const auto a = static_cast<std::size_t>(arrangement);
  const float side = static_cast<float>(image_size);
  const float room = side / static_cast<float>(std::max(columns[a], rows[a]));
  const float radius = room * (arrangement == 0 ? draw(random, 0.34, 0.46) : draw(random, 0.40, 0.48));
  const float turn = draw(random, -0.2, 0.2);
  const float slack = arrangement == 0 ? 0.12F * side : 0.03F * side;
  Figures all;
  for (std::int64_t row = 0; row < rows[a]; ++row) {
    for (std::int64_t column = 0; column < columns[a]; ++column) {
      Figure& figure = all.figures[all.count++];
      figure.shape = shape;
      figure.radius = radius;
      figure.center_x = side / 2.0F +
                        (static_cast<float>(column) - static_cast<float>(columns[a] - 1) / 2.0F) * room +
                        draw(random, -slack, slack);
      figure.center_y = side / 2.0F +
                        (static_cast<float>(row) - static_cast<float>(rows[a] - 1) / 2.0F) * room +
                        draw(random, -slack, slack);
      figure.cosine = std::cos(turn);
      figure.sine = std::sin(turn);
    }
  }
  return all;
}

Colour draw_colour(RandomStream& random, double low, double high) {
  return {draw(random, low, high), draw(random, low, high), draw(random, low, high)};
}

/// The difference between light and dark stripes: some direction in colour space, either of the two being
/// first.
Colour draw_contrast(RandomStream& random, double low, double high) {
  Colour contrast = draw_colour(random, low, high);
  if ((random.next() & 1U) != 0) {
    for (float& value : contrast) value = -value;
  }
  return contrast;
}

std::uint8_t to_byte(float value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F)); }

}  // namespace

SyntheticClass synthetic_class(std::int64_t label, std::int64_t num_classes) {
  SyntheticClass kind;
  std::int64_t rest = label, told_apart = 1;
  const auto digit = [&](std::int64_t base) -> std::int64_t {
    if (told_apart >= num_classes) return -1;
    const std::int64_t value = rest % base;
    rest /= base;
    told_apart *= base;
    return value;
  };
  // Neighbouring labels differ in orientation, the property that is learnt first.
  kind.orientation = digit(SyntheticClass::kOrientations);
  kind.spacing = digit(SyntheticClass::kSpacings);
  kind.shape = digit(SyntheticClass::kShapes);
  kind.arrangement = digit(SyntheticClass::kArrangements);
  kind.background = digit(SyntheticClass::kBackgrounds);
  return kind;
}

void draw_synthetic(const SyntheticClass& kind, std::int64_t image_size, std::uint64_t seed,
                    std::uint8_t* pixels) {
  RandomStream random(seed);
  const auto choose = [&](std::int64_t given, std::int64_t count) {
    const std::int64_t drawn = draw_index(random, count);
    return given >= 0 ? given : drawn;
  };
  const std::int64_t orientation = choose(kind.orientation, SyntheticClass::kOrientations);
  const std::int64_t spacing = choose(kind.spacing, SyntheticClass::kSpacings);
  const std::int64_t shape = choose(kind.shape, SyntheticClass::kShapes);
  // One large figure shows its stripes best, so it is the rule where the class leaves the arrangement open.
  const std::int64_t arrangement = kind.arrangement >= 0 ? kind.arrangement : 0;

  const float angle = stripe_angle(orientation, random);
  const Stripes stripes(angle, stripe_spacing(spacing, image_size, random), draw(random, 0.0, 1.0));
  const Figures figures = place_figures(shape, arrangement, image_size, random);

  // A background is a slow wave, or, where it belongs to the class, stripes of its own: upright ones first,
  // then lying ones, in three spacings each.
  const float side = static_cast<float>(image_size);
  const bool striped = kind.background >= 0;
  const float background_angle =
      striped ? kPi / 2.0F * static_cast<float>(kind.background % 2) + draw(random, -0.09, 0.09)
              : draw(random, 0.0, 2.0 * std::numbers::pi);
  const float background_spacing = striped ? side / (2.5F + 3.0F * static_cast<float>(kind.background / 2))
                                           : side * draw(random, 0.9, 2.5);
  const Stripes background(background_angle, std::max(2.5F, background_spacing), draw(random, 0.0, 1.0));

  const Colour figure_colour = draw_colour(random, 70.0, 185.0);
  const Colour figure_contrast = draw_contrast(random, 18.0, 60.0);
  const Colour background_colour = draw_colour(random, 50.0, 205.0);
  const Colour background_contrast = draw_contrast(random, striped ? 25.0 : 5.0, 45.0);
  const float noise = draw(random, 6.0, 22.0) / 256.0F;

  const SineTable& wave = sine();
  const std::int64_t plane = image_size * image_size;
  for (std::int64_t y = 0; y < image_size; ++y) {
    std::uint32_t figure_phase = stripes.row(y), background_phase = background.row(y);
    for (std::int64_t x = 0; x < image_size; ++x) {
      const bool inside = figures.contains(static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F);
      const Colour& base = inside ? figure_colour : background_colour;
      const Colour& contrast = inside ? figure_contrast : background_contrast;
      const float value = wave(inside ? figure_phase : background_phase);
      figure_phase += stripes.per_column;
      background_phase += background.per_column;
      std::uint64_t bits = random.next();
      for (std::size_t channel = 0; channel < 3; ++channel) {
        // The sum of two bytes: a triangle between -255 and 255.
        const float grain =
            static_cast<float>(static_cast<std::int32_t>((bits & 255U) + ((bits >> 8) & 255U)) - 255);
        bits >>= 16;
        pixels[static_cast<std::int64_t>(channel) * plane + y * image_size + x] =
            to_byte(base[channel] + contrast[channel] * value + grain * noise);
      }
    }
  }
}

}  // namespace deepmoe
