#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/base.hpp"
#include "model/model.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// A training at one moment, as one safetensors file: weights and description of the network as Model::save
/// writes them, so that the file can be loaded as weights, too; and, in named sections, everything else that
/// future steps depend on. A section has JSON values (metadata "training/<section>") and tensors
/// ("training/<section>/<name>").
///
/// How to add state: give what has it a function that returns values and tensors, and one that takes them and
/// checks them first; call the one in save_trainer and the other in load_trainer (trainer_state.cpp), with a
/// section of its own:
///     checkpoint.set("average", json::object(), trainer.average.state());
///     trainer.average.load_state(checkpoint.tensors("average"));
/// State that only a whole run has goes into RunProgress. An older file lacks the section, an older library
/// ignores it; where ignoring it would train wrongly, raise `newest_version`.
class Checkpoint {
 public:
  /// The version of the files written here. Older ones are read, newer ones are refused.
  static constexpr std::int64_t newest_version = 1;

  Checkpoint() = default;
  /// Reads and checks a file. Errors: not_found, io; format for what is no checkpoint or damaged, unsupported
  /// for a newer version; each names the file.
  explicit Checkpoint(const std::string& path);

  /// Replaces `path` when complete. Errors are those of write_file_atomically.
  void write(const std::string& path, const Model& model) const;

  /// Adds a section. Tensors may be on any device, and share their memory with the caller's, so that the
  /// checkpoint must be written before they change.
  void set(const std::string& section, const nlohmann::json& values,
           const std::vector<SharedTensor>& tensors = {});
  bool has(const std::string& section) const { return values_.count(section) > 0; }

  // Readers for one section, which fail with Error(format), naming file, section and member.
  const nlohmann::json& values(const std::string& section) const;
  const nlohmann::json& value(const std::string& section, const std::string& member) const;
  std::int64_t integer(const std::string& section, const std::string& member, std::int64_t minimum,
                       std::int64_t maximum) const;
  double real(const std::string& section, const std::string& member) const;
  std::string text(const std::string& section, const std::string& member) const;
  const std::vector<SharedTensor>& tensors(const std::string& section) const;
  /// The one tensor of this name, which must have this type and shape.
  const SharedTensor& tensor(const std::string& section, const std::string& name, DataType type,
                             const std::vector<std::int64_t>& shape) const;

  /// Of a file that was read: where it is, its weights, and its network as to_json(Architecture) has it.
  const std::string& path() const { return path_; }
  const std::vector<SharedTensor>& weights() const { return weights_; }
  const nlohmann::json& architecture() const { return architecture_; }

  /// Throws Error(format) that names the file and says what is wrong with it.
  template <class... Reason>
  [[noreturn]] void refuse(const Reason&... reason) const {
    fail(ErrorCode::format, "'", path_, "' is not a valid checkpoint: ", reason...);
  }

 private:
  std::string path_;
  nlohmann::json architecture_;
  std::vector<SharedTensor> weights_;
  std::map<std::string, nlohmann::json> values_;
  std::map<std::string, std::vector<SharedTensor>> tensors_;
};

}  // namespace deepmoe
