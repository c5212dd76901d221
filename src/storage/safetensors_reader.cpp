#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_map>

#include "storage/safetensors_format.hpp"
#include "storage/storage.hpp"
#include "storage/system_failure.hpp"

namespace deepmoe {
namespace {

/// A whole file mapped into memory, read-only.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    // Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) fail_of_system("read", path, errno);
    struct stat status {};
    int reason = ::fstat(descriptor, &status) == 0 ? 0 : errno;
    const bool regular = reason == 0 && S_ISREG(status.st_mode);
    if (regular && status.st_size > 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
      if (mapped == MAP_FAILED) {
        reason = errno;
      } else {
        data_ = static_cast<const std::byte*>(mapped);
      }
    }
    ::close(descriptor);
    if (reason != 0) fail_of_system("read", path, reason);
    if (!regular) {
      fail(ErrorCode::io, "can't read '", path, "': it is ",
           S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
    }
  }
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, data_ == nullptr ? 0 : size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The length of the header, which the file is long enough to hold.
std::uint64_t header_length(std::span<const std::byte> file, const std::string& path) {
  const auto refuse = [&](const auto&... reason) {
    fail(ErrorCode::format, "'", path, "' is not a valid safetensors file: ", reason...);
  };
  if (file.size() < safetensors_length_bytes) {
    refuse("it has ", file.size(), " bytes, too few for the length of a header");
  }
  std::uint64_t length = 0;
  for (std::size_t i = safetensors_length_bytes; i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(file[i]);
  if (length > safetensors_header_limit) {
    refuse("its header claims ", length, " bytes; at most ", safetensors_header_limit, " are allowed");
  }
  if (length > file.size() - safetensors_length_bytes) {
    refuse("its header claims ", length, " bytes, but only ", file.size() - safetensors_length_bytes,
           " follow; the file may be cut short");
  }
  return length;
}

}  // namespace

struct SafetensorsFile::Implementation {
  std::string path;
  MappedFile file;
  std::map<std::string, std::string> metadata;
  std::vector<TensorView> tensors;
  std::unordered_map<std::string_view, std::size_t> places;  ///< views into the names in `tensors`

  explicit Implementation(const std::string& file_path) : path(file_path), file(file_path) {
    const std::span<const std::byte> bytes = file.bytes();
    const std::uint64_t length = header_length(bytes, path);
    const std::span<const std::byte> data = bytes.subspan(safetensors_length_bytes + length);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + safetensors_length_bytes,
                                length);
    SafetensorsHeader header = parse_safetensors_header(text, data.size(), path);
    metadata = std::move(header.metadata);
    tensors.reserve(header.entries.size());
    for (SafetensorsEntry& entry : header.entries) {
      tensors.push_back({std::move(entry.name), entry.type, std::move(entry.shape),
                         data.subspan(entry.begin, entry.end - entry.begin)});
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) places.emplace(tensors[i].name, i);
  }
};

SafetensorsFile::SafetensorsFile(const std::string& path)
    : implementation_(std::make_unique<Implementation>(path)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::string& SafetensorsFile::path() const { return implementation_->path; }

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return implementation_->metadata;
}

const std::vector<TensorView>& SafetensorsFile::tensors() const { return implementation_->tensors; }

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto place = implementation_->places.find(name);
  return place == implementation_->places.end() ? nullptr : &implementation_->tensors[place->second];
}

}  // namespace deepmoe
