#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "base/base.hpp"
#include "storage/data_type.hpp"
#include "storage/safetensors_format.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

void check_tensors(const std::string& path, const std::vector<TensorView>& tensors) {
  std::set<std::string_view> names;
  const auto refuse = [&](const TensorView& tensor, const auto&... reason) {
    fail(ErrorCode::invalid_argument, "can't write '", path, "': tensor ", quoted_name(tensor.name), " ",
         reason...);
  };
  for (const TensorView& tensor : tensors) {
    if (tensor.name == safetensors_metadata_key) refuse(tensor, "has a name that the format reserves");
    if (!names.insert(tensor.name).second) refuse(tensor, "is given twice");
    if (tensor.shape.size() > safetensors_rank_limit) {
      refuse(tensor, "has ", tensor.shape.size(), " dimensions; at most ", safetensors_rank_limit,
             " are possible");
    }
    const std::optional<std::uint64_t> bytes = byte_count(tensor.type, tensor.shape);
    if (!bytes) refuse(tensor, "has a shape that is negative or too large");
    if (*bytes != tensor.data.size()) {
      refuse(tensor, "has ", tensor.data.size(), " bytes of data, but its shape and type need ", *bytes);
    }
  }
}

/// Indices of the tensors by falling element size, else in the order given: with that, no gap is needed for
/// every tensor to be aligned to its element size.
std::vector<std::size_t> aligned_order(const std::vector<TensorView>& tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return size_of(tensors[a].type) > size_of(tensors[b].type);
  });
  return order;
}

std::string header_text(const std::string& path, const std::vector<TensorView>& tensors,
                        const std::vector<std::size_t>& order,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(safetensors_metadata_key)] = metadata;
  // Not by operator[], which searches all earlier names of an ordered object.
  auto& members = header.get_ref<nlohmann::ordered_json::object_t&>();
  std::uint64_t offset = 0;
  for (const std::size_t index : order) {
    const TensorView& tensor = tensors[index];
    const std::uint64_t end = offset + tensor.data.size();
    nlohmann::ordered_json entry = {{"dtype", data_type_name(tensor.type)}};
    entry["shape"] = tensor.shape;
    entry["data_offsets"] = {offset, end};
    members.emplace_back(tensor.name, std::move(entry));
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::invalid_argument, "can't write '", path,
         "': names and metadata must be UTF-8: ", error.what());
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > safetensors_header_limit) {
    fail(ErrorCode::invalid_argument, "can't write '", path, "': names, shapes and metadata take ",
         text.size(), " bytes; at most ", safetensors_header_limit, " are possible");
  }
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  check_tensors(path, tensors);
  const std::vector<std::size_t> order = aligned_order(tensors);
  const std::string header = header_text(path, tensors, order, metadata);
  std::byte length[safetensors_length_bytes];
  for (std::size_t i = 0; i < safetensors_length_bytes; ++i)
    length[i] = static_cast<std::byte>(header.size() >> 8 * i);
  write_file_atomically(path, [&](const std::function<void(std::span<const std::byte>)>& append) {
    append(length);
    append(std::as_bytes(std::span(header)));
    for (const std::size_t index : order) append(tensors[index].data);
  });
}

}  // namespace deepmoe
