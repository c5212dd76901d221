#pragma once

/// The door of src/storage: files that survive a crash, and safetensors.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deepmoe {

/// Replaces `path` by `content`, or leaves the old file as it was: writes a temporary file beside it, flushes
/// it to the disk, renames it, and flushes the folder. Missing parent folders are an Error(not_found); a full
/// disk or a refused permission is an Error(io) naming the path and the system's reason. A symbolic link
/// stays and its target is replaced; permissions of an old file are kept. What is no regular file (a folder,
/// a device) is refused.
void write_file_atomically(const std::string& path, std::string_view content);

/// The same for content in pieces: `write` is called once with a function that appends bytes. What `write`
/// throws passes through and leaves the old file.
void write_file_atomically(
    const std::string& path,
    const std::function<void(const std::function<void(std::span<const std::byte>)>&)>& write);

/// A file that grows while others may already read it: a log, a table with a row for each epoch. One thread
/// at a time. Unlike with write_file_atomically, whoever follows the file sees what is added; and adding to
/// it costs no more the longer it is.
class AppendedFile {
 public:
  /// Starts an empty file, or, with `keep`, goes on behind the first `keep` bytes of an old one. Errors are
  /// those of write_file_atomically, except that a device is written to.
  explicit AppendedFile(const std::string& path, std::uint64_t keep = 0);
  ~AppendedFile();
  AppendedFile(AppendedFile&& other) noexcept;
  AppendedFile& operator=(AppendedFile&&) = delete;

  /// Adds the whole of `content` and flushes it to the disk, or leaves the file as long as it was: a full
  /// disk is an Error(io) that names the path and the system's reason.
  void append(std::string_view content);
  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Reads a whole file. Errors name the path; a file above `limit` bytes is refused.
std::string read_file(const std::string& path, std::uint64_t limit = std::uint64_t(1) << 30);

/// Makes a folder with its parents; no error when it exists.
void make_folder(const std::string& path);

enum class DataType { boolean, u8, i8, i16, i32, i64, f16, bf16, f32, f64 };
std::size_t size_of(DataType type);
/// The name in safetensors files: "BOOL", "U8", ..., "F64".
std::string_view data_type_name(DataType type);

/// A named tensor in row-major order whose bytes somebody else owns.
struct TensorView {
  std::string name;
  DataType type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

/// Writes a safetensors file atomically. Names must be unique, `data` sizes must fit shapes (else
/// invalid_argument). Tensors are aligned to their element size within the file.
void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata);

/// An opened safetensors file. It is hostile until proved otherwise: whatever is inconsistent in it is
/// refused. Views live as long as this object. Reading from several threads is safe. The file is mapped into
/// memory, so it must not be truncated or overwritten in place while it is open: reading a view would then
/// end the process. Replacing it by write_file_atomically is safe. The data of files from elsewhere may not
/// be aligned to its type: copy it, or check before casting.
class SafetensorsFile {
 public:
  /// Errors: not_found, io, and format naming file and reason.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  const std::string& path() const;
  const std::map<std::string, std::string>& metadata() const;
  /// In the order of their data in the file.
  const std::vector<TensorView>& tensors() const;
  /// The tensor called `name`, or nullptr.
  const TensorView* find(std::string_view name) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace deepmoe
