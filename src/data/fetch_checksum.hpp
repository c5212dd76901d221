#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace deepmoe {

/// In lower-case hexadecimal digits.
struct Checksums {
  std::string md5, sha256;
};

/// Both checksums of a file, in one pass. `progress` (bytes done, of all) may be empty; when it answers
/// false, the work ends with an Error(cancelled).
Checksums file_checksums(const std::string& path,
                         const std::function<bool(std::int64_t done, std::int64_t total)>& progress);

}  // namespace deepmoe
