#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.hpp"
#include "dlpack.hpp"
#include "guard.hpp"
#include "json_argument.hpp"
#include "objects.hpp"
#include "storage/storage.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

std::size_t bytes_of(const SharedTensor& tensor) {
  return static_cast<std::size_t>(tensor.elements()) * size_of(tensor.type);
}

const SharedTensor* find(const dmoe_tensors& set, std::string_view name) {
  const auto found = std::find_if(set.tensors.begin(), set.tensors.end(),
                                  [&](const SharedTensor& tensor) { return tensor.name == name; });
  return found != set.tensors.end() ? &*found : nullptr;
}

const SharedTensor& tensor_called(const dmoe_tensors* tensors, const char* name) {
  const dmoe_tensors& set = checked(tensors, "tensors");
  require(name, "name");
  if (const SharedTensor* tensor = find(set, name)) return *tensor;
  std::vector<std::string> names;
  for (const SharedTensor& tensor : set.tensors) names.push_back(tensor.name);
  fail(ErrorCode::not_found, "there is no tensor '", name, "' among ", names.size(), " tensors.",
       suggestion(name, names));
}

void expect_new_name(const dmoe_tensors& set, const char* name) {
  require(name, "name");
  if (*name == '\0') fail(ErrorCode::invalid_argument, "the name of a tensor must not be empty");
  if (find(set, name) != nullptr) {
    fail(ErrorCode::invalid_argument, "the set has a tensor '", name, "' already; choose another name");
  }
}

/// A tensor of the host that the library has taken over. It stays the host's until `tensor` is set.
struct TakenOver {
  DLManagedTensor* tensor = nullptr;
  TakenOver() = default;
  TakenOver(const TakenOver&) = delete;
  TakenOver& operator=(const TakenOver&) = delete;
  ~TakenOver() { delete_tensor(tensor); }
};

std::map<std::string, std::string> string_pairs(const char* metadata_json) {
  std::map<std::string, std::string> pairs;
  if (metadata_json == nullptr) return pairs;
  const nlohmann::json object = json_object(metadata_json, "metadata_json");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) {
      fail(ErrorCode::format, "member '", key, "' of metadata_json is of type ", value.type_name(),
           ", must be a string");
    }
    pairs[key] = value.get<std::string>();
  }
  return pairs;
}

}  // namespace

int32_t dmoe_tensors_create(dmoe_tensors** tensors, dmoe_error** error) {
  return guard(error, [&] {
    require(tensors, "tensors");
    *tensors = new dmoe_tensors;
  });
}

int32_t dmoe_tensors_load(const char* path, dmoe_tensors** tensors, dmoe_error** error) {
  return guard(error, [&] {
    require(path, "path");
    require(tensors, "tensors");
    const auto file = std::make_shared<const SafetensorsFile>(path);
    std::vector<SharedTensor> entries;
    for (const TensorView& view : file->tensors()) {
      SharedTensor entry;
      entry.name = view.name;
      entry.type = view.type;
      entry.shape = view.shape;
      if (reinterpret_cast<std::uintptr_t>(view.data.data()) % size_of(view.type) == 0) {
        // The mapping is read-only; the header tells hosts to leave the content unchanged.
        entry.data = const_cast<std::byte*>(view.data.data());
        entry.owner = file;
      } else {  // The format allows any offset, DLPack's consumers do not.
        const auto copy = std::make_shared<std::vector<std::byte>>(view.data.begin(), view.data.end());
        entry.data = copy->data();
        entry.owner = copy;
      }
      entries.push_back(std::move(entry));
    }
    *tensors = new dmoe_tensors(std::move(entries), file->metadata());
  });
}

int32_t dmoe_tensors_save(const dmoe_tensors* tensors, const char* path, const char* metadata_json,
                          dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_tensors& set = checked(tensors, "tensors");
    require(path, "path");
    const std::map<std::string, std::string> metadata = string_pairs(metadata_json);
    std::vector<TensorView> views;
    for (const SharedTensor& tensor : set.tensors) {
      if (tensor.device != DeviceType::cpu) {
        fail(ErrorCode::unsupported, "tensor '", tensor.name,
             "' is not on the CPU; copy it there before saving it");
      }
      views.push_back({tensor.name,
                       tensor.type,
                       tensor.shape,
                       {static_cast<const std::byte*>(tensor.data), bytes_of(tensor)}});
    }
    write_safetensors(path, views, metadata);
  });
}

void dmoe_tensors_release(dmoe_tensors* tensors) { release(tensors); }

int64_t dmoe_tensors_count(const dmoe_tensors* tensors) {
  const dmoe_tensors* set = known(tensors);
  return set != nullptr ? static_cast<int64_t>(set->tensors.size()) : 0;
}

const char* dmoe_tensors_name(const dmoe_tensors* tensors, int64_t index) {
  const dmoe_tensors* set = known(tensors);
  if (set == nullptr || index < 0 || index >= static_cast<int64_t>(set->tensors.size())) return nullptr;
  return set->tensors[static_cast<std::size_t>(index)].name.c_str();
}

int32_t dmoe_tensors_metadata(const dmoe_tensors* tensors, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_tensors& set = checked(tensors, "tensors");
    require(json, "json");
    *json = new_string(nlohmann::json(set.metadata));
  });
}

int32_t dmoe_tensors_get(const dmoe_tensors* tensors, const char* name, DLManagedTensor** tensor,
                         dmoe_error** error) {
  return guard(error, [&] {
    const SharedTensor& source = tensor_called(tensors, name);
    require(tensor, "tensor");
    *tensor = lend_tensor(source);
  });
}

int32_t dmoe_tensors_read_f32(const dmoe_tensors* tensors, const char* name, float* values, int64_t capacity,
                              int64_t* needed, dmoe_error** error) {
  return guard(error, [&] {
    const SharedTensor& source = tensor_called(tensors, name);
    if (source.type != DataType::f32) {
      fail(ErrorCode::invalid_argument, "tensor '", name, "' has elements of type ",
           data_type_name(source.type), ", not F32; read it with dmoe_tensors_get");
    }
    if (source.device != DeviceType::cpu) {
      fail(ErrorCode::unsupported, "tensor '", name, "' is not on the CPU; read it with dmoe_tensors_get");
    }
    if (needed != nullptr) *needed = source.elements();
    if (values == nullptr || capacity < source.elements()) {
      fail(ErrorCode::invalid_argument, "tensor '", name, "' has ", source.elements(),
           " elements; the buffer takes ", values == nullptr ? 0 : capacity);
    }
    if (source.elements() > 0) std::memcpy(values, source.data, bytes_of(source));
  });
}

int32_t dmoe_tensors_shape(const dmoe_tensors* tensors, const char* name, int64_t* shape, int64_t capacity,
                           int64_t* rank, dmoe_error** error) {
  return guard(error, [&] {
    const SharedTensor& source = tensor_called(tensors, name);
    const int64_t dimensions = static_cast<int64_t>(source.shape.size());
    if (rank != nullptr) *rank = dimensions;
    if (dimensions > 0 && (shape == nullptr || capacity < dimensions)) {
      fail(ErrorCode::invalid_argument, "tensor '", name, "' has ", dimensions,
           " dimensions; the buffer takes ", shape == nullptr ? 0 : capacity);
    }
    std::copy(source.shape.begin(), source.shape.end(), shape);
  });
}

int32_t dmoe_tensors_add(dmoe_tensors* tensors, const char* name, DLManagedTensor* tensor,
                         dmoe_error** error) {
  return guard(error, [&] {
    dmoe_tensors& set = checked(tensors, "tensors");
    expect_new_name(set, name);
    SharedTensor entry = view_tensor(tensor, "tensor");
    if (entry.device != DeviceType::cpu) {
      fail(ErrorCode::unsupported, "tensor is not on the CPU; copy it there before adding it");
    }
    entry.name = name;
    const auto owner = std::make_shared<TakenOver>();
    entry.owner = owner;
    set.tensors.push_back(std::move(entry));
    owner->tensor = tensor;  // Nothing can fail from here on.
  });
}

int32_t dmoe_tensors_add_f32(dmoe_tensors* tensors, const char* name, const float* values,
                             const int64_t* shape, int64_t rank, dmoe_error** error) {
  return guard(error, [&] {
    dmoe_tensors& set = checked(tensors, "tensors");
    expect_new_name(set, name);
    require(values, "values");
    if (rank < 0 || rank > 64) fail(ErrorCode::invalid_argument, "rank is ", rank, ", must be 0 to 64");
    if (rank > 0) require(shape, "shape");
    int64_t elements = 1;
    for (int64_t i = 0; i < rank; ++i) {
      if (shape[i] < 0 || (shape[i] > 0 && elements > (int64_t{1} << 60) / shape[i])) {
        fail(ErrorCode::invalid_argument, "extent ", i, " of the shape is ", shape[i],
             ", which is negative or makes the tensor too large");
      }
      elements *= shape[i];
    }
    const auto copy = std::make_shared<std::vector<float>>(values, values + elements);
    SharedTensor entry;
    entry.name = name;
    entry.shape.assign(shape, shape + rank);
    entry.data = copy->data();
    entry.owner = copy;
    set.tensors.push_back(std::move(entry));
  });
}
