#pragma once

#include "data/byte_image.hpp"
#include "data/random.hpp"

namespace deepmoe {

// Each blends the image with a duller one, as torchvision does: 0 gives the dull image, 1 the image itself,
// more exaggerates. Values are cut off at 0 and 255.
void adjust_brightness(ByteImage& image, double factor);  ///< dull: black
void adjust_contrast(ByteImage& image, double factor);    ///< dull: the mean of the grey image
void adjust_saturation(ByteImage& image, double factor);  ///< dull: the grey image
void adjust_sharpness(ByteImage& image,
                      double factor);  ///< dull: smoothed over 3 x 3 pixels, but for the border

/// Brightness, contrast and saturation in random order, each by a factor between 1 - strength and 1 +
/// strength.
void jitter_colors(ByteImage& image, double strength, RandomStream& random);

}  // namespace deepmoe
