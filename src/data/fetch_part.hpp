#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace deepmoe {

/// Writes all bytes to a file that is open, whose `path` errors name. Error(io), with what to do about a full
/// disk.
void write_fetched(int descriptor, const std::string& path, std::span<const std::byte> bytes);

/// The beginning of a file that is being downloaded. It stays when this object ends, unless it is empty or
/// was removed. At most one such object, in whatever process, has a path.
class PartialFile {
 public:
  /// Opens what an earlier download left, or makes an empty file. Error(state) while another one has it.
  explicit PartialFile(std::string path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  const std::string& path() const { return path_; }
  std::int64_t size() const { return size_; }
  /// How many of its bytes this object appended.
  std::int64_t appended() const { return appended_; }
  void append(std::span<const std::byte> bytes);
  void clear();
  /// Takes the file away; nothing may be appended after that.
  void remove();

 private:
  bool open_and_lock();

  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0, appended_ = 0;
};

}  // namespace deepmoe
