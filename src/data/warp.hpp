#pragma once

#include "data/byte_image.hpp"

namespace deepmoe {

// Each moves the image's content; the nearest pixel is taken, and black where there is none.
void shear_rows(ByteImage& image, double slope);  ///< by `slope` pixels to the left for each row further down
void shear_columns(ByteImage& image,
                   double slope);  ///< by `slope` pixels upwards for each column to the right
void translate(ByteImage& image, std::int64_t right, std::int64_t down);
void rotate(ByteImage& image, double degrees);  ///< about the middle, counterclockwise

}  // namespace deepmoe
