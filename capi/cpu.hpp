#pragma once

#include <string>
#include <vector>

namespace deepmoe::capi {

struct Cpu {
  std::string model;   ///< e.g. "AMD EPYC 9B14"; the machine's architecture where no name is known
  unsigned cores = 0;  ///< logical ones that this process may use; 0 when unknown
  std::vector<std::string> features;  ///< the vector extensions that matter here, as the kernel calls them
};

/// The CPU that runs this process.
Cpu this_cpu();

}  // namespace deepmoe::capi
