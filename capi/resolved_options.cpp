#include "resolved_options.hpp"

#include <string>

namespace deepmoe::capi {

Options resolve_sizes(const Options& options, std::int64_t num_classes, std::int64_t image_size) {
  Options resolved = options;
  // As flags, since a 0 that a file or the environment gave must be overruled too.
  if (resolved.integer("num_classes") == 0) resolved.set("num_classes", std::to_string(num_classes));
  if (resolved.integer("image_size") == 0) resolved.set("image_size", std::to_string(image_size));
  return resolved;
}

}  // namespace deepmoe::capi
