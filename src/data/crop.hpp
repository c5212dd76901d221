#pragma once

#include "data/data.hpp"
#include "data/random.hpp"
#include "data/resize.hpp"

namespace deepmoe {

/// Which part of an image goes where in the square that a batch has for it. What `target` leaves free is
/// padding.
struct Crop {
  Area area;            ///< of the image
  Rectangle target;     ///< the part of the square that shows it; empty where the padding covers all
  PartRequest request;  ///< the pixels of the image that this takes
};

/// The crop that `transform` makes of an image of this size, at random where it says so.
Crop choose_crop(const Transform& transform, ImageExtent image, RandomStream& random);

}  // namespace deepmoe
