#pragma once

#include "data/data.hpp"
#include "data/random.hpp"

namespace deepmoe {

/// A random part of an image, uniform in its share of the area (8 to 100 %), in the logarithm of its shape
/// (3/4 to 4/3 as wide as high) and in its place, as torchvision's RandomResizedCrop. Where ten draws don't
/// fit, the largest central part of an allowed shape.
Rectangle random_resized_crop(ImageExtent image, RandomStream& random);

}  // namespace deepmoe
