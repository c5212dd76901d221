#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "data/fetch_part.hpp"

namespace deepmoe {

struct DownloadSettings {
  std::string url;      ///< http or https
  std::string by_hand;  ///< where the user may put the file, for messages
  std::int64_t most_bytes = std::int64_t(1) << 30;
  std::chrono::milliseconds pause{1000};  ///< before a broken connection is made again; doubled each time
};

/// Downloads what `part` lacks of the file at `url`; a server that can't send the rest sends everything,
/// which then replaces what was there. A connection that breaks is made again, up to 4 times in a row without
/// a byte in between. `progress` (bytes there, of all or -1) may be empty; when it answers false, the work
/// ends with an Error(cancelled). Whatever goes wrong, `part` keeps what came. Whether it is the right file
/// is for the caller to find out, by checksum.
void download(const DownloadSettings& settings, PartialFile& part,
              const std::function<bool(std::int64_t done, std::int64_t total)>& progress);

}  // namespace deepmoe
