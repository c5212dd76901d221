#pragma once

#include "data/byte_image.hpp"

namespace deepmoe {

/// Keeps the highest `bits` bits of every value.
void posterize(ByteImage& image, int bits);

/// Turns values of at least `threshold` into their negative.
void solarize(ByteImage& image, double threshold);

/// Stretches each colour so that its values reach from 0 to 255.
void stretch_contrast(ByteImage& image);

/// Maps each colour's values so that all become about equally frequent.
void equalize(ByteImage& image);

}  // namespace deepmoe
