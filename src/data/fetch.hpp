#pragma once

/// A second door of src/data, since hardly anybody needs it: published data sets, brought to this machine.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace deepmoe {

enum class FetchStage { download, check, unpack };

/// How far a stage is, in bytes of the archive; `total` is -1 where the server does not say.
struct FetchProgress {
  FetchStage stage = FetchStage::download;
  std::int64_t done = 0, total = -1;
};

/// False stops the work. Called many times a second while bytes flow, and about every second while none do.
using FetchCallback = std::function<bool(const FetchProgress&)>;

struct FetchSettings {
  std::string url;  ///< http or https; empty: the publisher's
  std::string
      sha256;  ///< of the archive at `url`, where that is packed otherwise; empty: the published checksums
  std::chrono::milliseconds pause{1000};  ///< before a broken connection is made again; doubled each time
};

struct FetchResult {
  bool fetched = false;  ///< false: everything was there
  std::int64_t training_images = 0, test_images = 0;
  std::int64_t downloaded_bytes = 0;  ///< of the archive, by this call
  std::int64_t resumed_bytes = 0;     ///< of the archive, by earlier ones
};

/// Makes sure that `data_dir` holds the published data set `name` (cifar10, cifar100), for open_dataset to
/// find: downloads the archive, or takes one that lies in `data_dir` under its own name, compares its
/// checksums and unpacks it. A data set that can be read is left alone, and no connection made. The data
/// set's folder appears when it is complete, in one step; until then there are a file `<archive>.part`, from
/// which a later call goes on, and a temporary folder.
///
/// Errors: not_found for a server that lacks the file; io for the network, its proxies and the disk; format
/// for an archive that is not the published one, or not harmless; state when another call fetches into the
/// same place, or something else stands there; cancelled when `callback` (may be empty) said so;
/// invalid_argument. Each says what to do.
FetchResult fetch_dataset(const std::string& name, const std::string& data_dir, const FetchSettings& settings,
                          const FetchCallback& callback);

}  // namespace deepmoe
