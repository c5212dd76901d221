#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "options/options.hpp"

namespace deepmoe {

/// The folder of one run. Each file is replaced only when its successor is complete. Without a folder (an
/// empty path) nothing is written.
///  - config.json: every option, resolved
///  - what Records writes of each epoch
///  - summary.json: what came out
///  - best.safetensors, last.safetensors: the weights of the best epoch, and those at the end
///  - best/epoch-0012.safetensors: the weights of the best epochs, where option keep_best is above 1
///  - checkpoints/last.safetensors: from where the run goes on
///  - checkpoints/epoch-0012.safetensors: the same of the epochs that option checkpoint_epochs names
class RunFolder {
 public:
  explicit RunFolder(std::string path);

  bool exists() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// The file of epoch `epoch` (from 1) in the folder `kind` of the run.
  std::string epoch_file(const std::string& kind, std::int64_t epoch) const;

  /// The checkpoint that `path` means: that of the run whose folder it is, or itself.
  static std::string checkpoint_of(const std::string& path);

  /// Makes the folder of `kind` and removes what killed processes left unfinished.
  void prepare(const std::string& kind) const;
  /// Removes the files of epochs that are not to be kept from the folder of `kind`.
  void keep_epochs(const std::string& kind, const std::function<bool(std::int64_t epoch)>& kept) const;

  void write_config(const Options& options) const;
  void write_summary(const nlohmann::json& summary) const;

 private:
  std::string path_;
};

}  // namespace deepmoe
