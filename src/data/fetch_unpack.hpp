#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace deepmoe {

/// What an archive may amount to.
struct UnpackLimits {
  std::int64_t bytes = std::int64_t(1) << 30;  ///< of all its files together
  std::int64_t entries = 10000;
};

/// Unpacks a tar archive (plain, or compressed by gzip, bzip2, xz or zstd) into the empty folder `folder`.
/// The archive is hostile until proved otherwise: whatever is neither a regular file nor a folder (links,
/// devices), whatever is named twice or by an absolute path or one with "..", and whatever exceeds the limits
/// is an Error(format) that names the archive and the entry; what was unpacked before stays. Owners and
/// permissions are not taken over. Files are flushed to the disk. `progress` (bytes of the archive read, of
/// all) may be empty; when it answers false, the work ends with an Error(cancelled).
void unpack_archive(const std::string& archive, const std::string& folder, const UnpackLimits& limits,
                    const std::function<bool(std::int64_t done, std::int64_t total)>& progress);

}  // namespace deepmoe
