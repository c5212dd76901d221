#include "training/checkpoint.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "model/host_state.hpp"
#include "model/libtorch_errors.hpp"
#include "model/tensor_bridge.hpp"
#include "model/weights.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

const std::string version_key = std::string(training_prefix) + "version";

TensorView view_of(const SharedTensor& tensor, std::string name) {
  const std::size_t bytes = static_cast<std::size_t>(tensor.elements()) * size_of(tensor.type);
  return {std::move(name), tensor.type, tensor.shape,
          std::span(static_cast<const std::byte*>(tensor.data), bytes)};
}

}  // namespace

Checkpoint::Checkpoint(const std::string& path) : path_(path) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  const auto parsed = [&](const std::string& key, const std::string& text) {
    json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) refuse("its metadata '", key, "' are not JSON");
    return value;
  };
  const auto stored_version = file->metadata().find(version_key);
  if (stored_version == file->metadata().end()) {
    fail(ErrorCode::format, "'", path,
         "' holds no state of a training, from which it could go on; where it holds weights, a new training "
         "can start from them by the option weights");
  }
  const json version = parsed(version_key, stored_version->second);
  if (!version.is_number_integer() || version < 1) refuse("its version ", version.dump(), " is no version");
  if (version > newest_version) {
    fail(ErrorCode::unsupported, "'", path, "' is a checkpoint of version ", version.dump(),
         ", but this library knows versions up to ", newest_version, "; go on with the newer library");
  }
  for (const auto& [key, text] : file->metadata()) {
    if (key == "architecture") architecture_ = parsed(key, text);
    if (!key.starts_with(training_prefix) || key == version_key) continue;
    values_[key.substr(training_prefix.size())] = parsed(key, text);
  }
  weights_ = tensors_of(file);
  for (const TensorView& view : file->tensors()) {
    if (!view.name.starts_with(training_prefix)) continue;
    const std::string place = view.name.substr(training_prefix.size());
    const std::size_t slash = place.find('/');
    const std::string section = place.substr(0, slash);
    if (slash == std::string::npos || !has(section)) refuse("its tensor '", view.name, "' is in no section");
    SharedTensor tensor = shared_view(view, file);
    tensor.name = place.substr(slash + 1);
    tensors_[section].push_back(std::move(tensor));
  }
}

void Checkpoint::write(const std::string& path, const Model& model) const {
  std::map<std::string, std::string> metadata = model.metadata();
  metadata[version_key] = std::to_string(newest_version);
  const std::vector<SharedTensor> weights = host_state(model);
  std::vector<TensorView> views;
  for (const SharedTensor& weight : weights) views.push_back(view_of(weight, weight.name));
  for (const auto& [section, values] : values_) {
    const std::string key = std::string(training_prefix) + section;
    metadata[key] = values.dump();
    const auto found = tensors_.find(section);
    if (found == tensors_.end()) continue;
    for (const SharedTensor& tensor : found->second) {
      views.push_back(view_of(tensor, concat(key, "/", tensor.name)));
    }
  }
  write_safetensors(path, views, metadata);
}

void Checkpoint::set(const std::string& section, const json& values,
                     const std::vector<SharedTensor>& tensors) {
  values_[section] = values;
  std::vector<SharedTensor>& kept = tensors_[section];
  kept.clear();
  with_libtorch_errors([&] {
    for (const SharedTensor& tensor : tensors) {
      kept.push_back(to_shared(tensor.name, to_torch(tensor).cpu().contiguous()));
    }
  });
}

const json& Checkpoint::values(const std::string& section) const {
  const auto found = values_.find(section);
  if (found == values_.end()) refuse("the section '", section, "' is missing");
  return found->second;
}

const json& Checkpoint::value(const std::string& section, const std::string& member) const {
  const json& all = values(section);
  if (!all.is_object() || !all.contains(member))
    refuse("section '", section, "' has no member '", member, "'");
  return all.at(member);
}

std::int64_t Checkpoint::integer(const std::string& section, const std::string& member, std::int64_t minimum,
                                 std::int64_t maximum) const {
  const json& found = value(section, member);
  const bool whole = found.is_number_integer() &&
                     (!found.is_number_unsigned() ||
                      found.get<std::uint64_t>() <= std::uint64_t(std::numeric_limits<std::int64_t>::max()));
  if (!whole || found.get<std::int64_t>() < minimum || found.get<std::int64_t>() > maximum) {
    refuse("member '", member, "' of section '", section, "' is ", found.dump(),
           ", but must be a whole number from ", minimum, " to ", maximum);
  }
  return found.get<std::int64_t>();
}

double Checkpoint::real(const std::string& section, const std::string& member) const {
  const json& found = value(section, member);
  if (!found.is_number()) refuse("member '", member, "' of section '", section, "' is not a number");
  return found.get<double>();
}

std::string Checkpoint::text(const std::string& section, const std::string& member) const {
  const json& found = value(section, member);
  if (!found.is_string()) refuse("member '", member, "' of section '", section, "' is not a text");
  return found.get<std::string>();
}

const std::vector<SharedTensor>& Checkpoint::tensors(const std::string& section) const {
  static const std::vector<SharedTensor> none;
  values(section);
  const auto found = tensors_.find(section);
  return found == tensors_.end() ? none : found->second;
}

const SharedTensor& Checkpoint::tensor(const std::string& section, const std::string& name, DataType type,
                                       const std::vector<std::int64_t>& shape) const {
  const std::vector<SharedTensor>& all = tensors(section);
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const SharedTensor& candidate) { return candidate.name == name; });
  if (found == all.end()) refuse("section '", section, "' has no tensor '", name, "'");
  if (found->type != type || found->shape != shape) {
    refuse("tensor '", name, "' of section '", section, "' has another type or shape than it must have");
  }
  return *found;
}

}  // namespace deepmoe
