#include "model/torch_archive.hpp"

#include <caffe2/serialize/inline_container.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "model/tensor_bridge.hpp"
#include "model/torch_pickle.hpp"

namespace deepmoe {
namespace {

/// A thousand times the pickle of a network with 150 tensors; what is decoded of it stays far below the
/// memory of any machine that could use the file.
constexpr std::uint64_t largest_pickle = std::uint64_t{1} << 24;

constexpr std::string_view legacy_start("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);

/// The bytes of `elements`, or the largest number where they do not fit.
std::uint64_t bytes_of(DataType type, std::int64_t elements) {
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(elements), size_of(type), &bytes)) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return bytes;
}

[[noreturn]] void refuse_byte_order(const std::string& path) {
  fail(ErrorCode::format, path,
       ": saved on a machine with another byte order; load and save it once in Python on ",
       "a machine like this one");
}

class ZipArchive : public TorchArchive {
 public:
  ZipArchive(const std::string& path, std::uint64_t file_size) : path_(path), file_size_(file_size) {
    reading([&] { reader_ = std::make_unique<caffe2::serialize::PyTorchStreamReader>(path); });
    if (has("constants.pkl")) {
      fail(ErrorCode::format, path,
           ": a TorchScript program, not a state_dict; in Python: "
           "torch.save(torch.jit.load(...).state_dict(), ...)");
    }
    if (!has("data.pkl")) {
      fail(ErrorCode::format, path, ": a zip archive, but torch.save did not write it: it has no data.pkl");
    }
    std::tie(pickle_, pickle_size_) = record("data.pkl", largest_pickle);
    if (!has("byteorder")) return;
    const auto [order, size] = record("byteorder", 16);
    const std::string_view name(static_cast<const char*>(order.get()), size);
    if (name != "little") refuse_byte_order(path);
  }

  std::string_view pickle() const override { return {static_cast<const char*>(pickle_.get()), pickle_size_}; }

  at::Tensor storage(std::string_view key, DataType type, std::int64_t elements) override {
    const std::string name = "data/" + std::string(key);
    if (elements > 0 && !has(name)) {
      fail(ErrorCode::format, path_, ": cut short or damaged: its record '", name, "' is missing");
    }
    if (elements == 0) return at::empty({0}, scalar_type(type));
    auto [data, size] = record(name, file_size_);
    if (size != bytes_of(type, elements)) {
      fail(ErrorCode::format, path_, ": damaged: its record '", name, "' has ", size, " bytes, but ",
           elements, " elements of type ", data_type_name(type), " are said to be there");
    }
    void* const memory = data.get();
    const auto owner = std::make_shared<at::DataPtr>(std::move(data));
    return at::from_blob(
        memory, {elements}, [owner](void*) {}, scalar_type(type));
  }

 private:
  template <class Work>
  auto reading(Work&& work) -> decltype(work()) {
    try {
      return work();
    } catch (const c10::Error& error) {
      const std::string reason = error.what_without_backtrace();
      fail(ErrorCode::format, path_, ": not a file of torch.save, or cut short or damaged; copy it again (",
           reason.substr(0, reason.find_first_of(".\n")), ")");
    }
  }

  bool has(const std::string& name) {
    return reading([&] { return reader_->hasRecord(name); });
  }

  std::pair<at::DataPtr, std::size_t> record(const std::string& name, std::uint64_t limit) {
    return reading([&]() -> std::pair<at::DataPtr, std::size_t> {
      const std::size_t size = reader_->getRecordSize(name);
      if (size > limit || size > file_size_) {
        fail(ErrorCode::format, path_, ": its record '", name, "' claims ", size,
             " bytes, more than there can be");
      }
      auto [data, read] = reader_->getRecord(name);
      return {std::move(data), read};
    });
  }

  const std::string path_;
  const std::uint64_t file_size_;
  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> reader_;
  at::DataPtr pickle_;
  std::size_t pickle_size_ = 0;
};

/// Pickles of a magic number, a version, the machine, the object and the keys of its storages; then, for each
/// key, how many elements it has and the elements.
class LegacyArchive : public TorchArchive {
 public:
  LegacyArchive(const std::string& path, std::uint64_t file_size)
      : path_(path), bytes_(read_file(path, file_size)) {
    position_ = legacy_start.size();
    const TorchDocument version(next_pickle(), path);
    position_ += version.size();
    const TorchDocument machine(next_pickle(), path);
    position_ += machine.size();
    const TorchNode* const little_endian = machine.find(machine.root(), "little_endian");
    if (little_endian == nullptr || little_endian->integer != 1) refuse_byte_order(path);
    pickle_ = next_pickle();
    const TorchDocument object(pickle_, path);
    pickle_ = pickle_.substr(0, object.size());
    position_ += object.size();
    const TorchDocument keys(next_pickle(), path);
    position_ += keys.size();
    if (keys.root().kind != TorchNode::Kind::sequence) {
      fail(ErrorCode::format, path, ": damaged: it lacks the list of its storages");
    }
    // Where a storage ends is known from its type, which the object tells.
    std::map<std::string_view, std::size_t> element_sizes;
    for (std::uint32_t id = 0; id < object.node_count(); ++id) {
      const TorchNode& node = object.node(id);
      if (node.kind == TorchNode::Kind::storage) element_sizes[node.text] = size_of(node.type);
    }
    for (const TorchId id : keys.root().items) {
      const std::string_view key = keys.node(id).text;
      const auto element = element_sizes.find(key);
      if (element == element_sizes.end()) fail(ErrorCode::format, path, ": damaged: a storage has no tensor");
      std::uint64_t elements = 0;
      if (rest().size() < sizeof elements) refuse_short();
      std::memcpy(&elements, rest().data(), sizeof elements);
      position_ += sizeof elements;
      if (elements > rest().size() / element->second) refuse_short();
      storages_[key] = rest().substr(0, elements * element->second);
      position_ += elements * element->second;
    }
  }

  std::string_view pickle() const override { return pickle_; }

  at::Tensor storage(std::string_view key, DataType type, std::int64_t elements) override {
    const auto found = storages_.find(key);
    if (found == storages_.end() || found->second.size() != bytes_of(type, elements)) {
      fail(ErrorCode::format, path_, ": damaged: its storage '", key, "' is missing or has another size");
    }
    at::Tensor copy = at::empty({elements}, scalar_type(type));
    if (elements > 0) std::memcpy(copy.data_ptr(), found->second.data(), found->second.size());
    return copy;
  }

 private:
  std::string_view next_pickle() const { return rest().substr(0, largest_pickle); }
  std::string_view rest() const { return std::string_view(bytes_).substr(position_); }
  [[noreturn]] void refuse_short() const {
    fail(ErrorCode::format, path_, ": cut short: the bytes of its tensors end too early; copy it again");
  }

  const std::string path_, bytes_;
  std::size_t position_ = 0;
  std::string_view pickle_;
  std::map<std::string_view, std::string_view> storages_;
};

}  // namespace

std::unique_ptr<TorchArchive> TorchArchive::open(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    fail(ErrorCode::not_found, "there is no file '", path, "'");
  }
  if (!std::filesystem::is_regular_file(status)) fail(ErrorCode::io, "'", path, "' is not a regular file");
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::string start(legacy_start.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  if (error || !file) fail(ErrorCode::io, "can't read '", path, "'");
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(file.gcount()));
  if (start == legacy_start) return std::make_unique<LegacyArchive>(path, size);
  if (start.size() > 8 && start[8] == '{') {
    fail(ErrorCode::format, path, ": a safetensors file already; it needs no conversion");
  }
  if (start.substr(0, 2) != "PK") {
    fail(ErrorCode::format, path, ": not a file of torch.save", size == 0 ? " (it is empty)" : "",
         start.substr(0, 1) == "\x80" ? "; it is a Python pickle of something else" : "");
  }
  return std::make_unique<ZipArchive>(path, size);
}

}  // namespace deepmoe
