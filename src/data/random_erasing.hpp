#pragma once

#include "data/data.hpp"
#include "data/random.hpp"

namespace deepmoe {

/// A random rectangle of 2 to 33 % of the area, 0.3 to 3.3 times as high as wide, as torchvision's
/// RandomErasing; empty where ten draws don't fit into the image.
Rectangle random_erased_rectangle(ImageExtent image, RandomStream& random);

}  // namespace deepmoe
