#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "model/model.hpp"
#include "options/options.hpp"

namespace deepmoe {

/// The folder of one run: config.json (every option, resolved), what Records writes of each epoch,
/// best.safetensors, last.safetensors and summary.json. Each file is replaced only when its successor is
/// complete. Without a folder (an empty path) nothing is written.
class RunFolder {
 public:
  explicit RunFolder(std::string path);

  bool exists() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  void write_config(const Options& options) const;
  void write_summary(const nlohmann::json& summary) const;

 private:
  std::string path_;
};

}  // namespace deepmoe
