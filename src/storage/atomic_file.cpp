#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "storage/abandoned_files.hpp"
#include "storage/storage.hpp"
#include "storage/system_failure.hpp"

namespace deepmoe {
namespace {

/// A temporary file is called by the process that writes it: <prefix><process>-<count><suffix>.
constexpr std::string_view temporary_prefix = ".deepmoe-", temporary_suffix = ".tmp";

/// The process that made a temporary file, or 0 for another file.
pid_t maker_of(std::string_view name) {
  if (!name.starts_with(temporary_prefix) || !name.ends_with(temporary_suffix)) return 0;
  const std::string_view number = name.substr(temporary_prefix.size());
  pid_t process = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), process);
  return error == std::errc() && *end == '-' && process > 0 ? process : 0;
}

bool is_running(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

/// The file that a rename to `path` must replace: a symbolic link stays and its target is replaced.
std::string final_target(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) {
    const std::filesystem::path target = std::filesystem::canonical(path, error);
    if (!error) return target.string();
  }
  return path;
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// A temporary file beside the target, which disappears unless it is committed.
class PendingFile {
 public:
  explicit PendingFile(const std::string& path) : path_(path), target_(final_target(path)) {
    struct stat old {};
    const bool replaces = ::stat(target_.c_str(), &old) == 0;
    // A rename over a device would replace the device itself.
    if (replaces && !S_ISREG(old.st_mode)) {
      fail(ErrorCode::io, "can't write '", path_, "': it is ",
           S_ISDIR(old.st_mode) ? "a folder" : "not a regular file");
    }
    open_unique();
    if (replaces)
      ::fchmod(descriptor_, old.st_mode & 07777);  // At worst the file keeps the usual permissions.
  }

  ~PendingFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void append(std::span<const std::byte> bytes) {
    if (buffer_.size() + bytes.size() <= buffer_capacity) {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
      return;
    }
    flush_buffer();
    if (bytes.size() <= buffer_capacity) {
      buffer_.assign(bytes.begin(), bytes.end());
    } else {
      write_all(bytes);
    }
  }

  void commit() {
    flush_buffer();
    if (::fsync(descriptor_) != 0) fail_of_system("write", path_, errno);
    // Network file systems report a full disk as late as here.
    if (::close(std::exchange(descriptor_, -1)) != 0) fail_of_system("write", path_, errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_of_system("replace", path_, errno);
    temporary_.clear();
    flush_folder();
  }

 private:
  static constexpr std::size_t buffer_capacity = 1 << 16;

  void open_unique() {
    static std::atomic<unsigned> count{0};
    const std::string folder = folder_of(target_);
    for (int attempt = 0; attempt < 1000; ++attempt) {
      std::string name =
          concat(folder, "/", temporary_prefix, ::getpid(), "-", count.fetch_add(1), temporary_suffix);
      descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0) {
        temporary_ = std::move(name);
        return;
      }
      // A leftover of a crashed process with the same number.
      if (errno != EEXIST) fail_of_system("write", path_, errno);
    }
    fail_of_system("write", path_, EEXIST);
  }

  void flush_buffer() {
    write_all(buffer_);
    buffer_.clear();
  }

  void write_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_of_system("write", path_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  /// Only then does the new name survive a loss of power.
  void flush_folder() const {
    const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;  // A folder may be writable without being readable.
    const int reason = ::fsync(folder) == 0 ? 0 : errno;
    ::close(folder);
    // Some file systems can't flush folders.
    if (reason != 0 && reason != EINVAL && reason != ENOTSUP && reason != EROFS)
      fail_of_system("write", path_, reason);
  }

  std::string path_;
  std::string target_;
  std::string temporary_;
  int descriptor_ = -1;
  std::vector<std::byte> buffer_;
};

}  // namespace

void remove_abandoned_files(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> abandoned;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const pid_t process = maker_of(entry->path().filename().native());
    if (process != 0 && !is_running(process)) abandoned.push_back(entry->path());
  }
  for (const std::filesystem::path& file : abandoned) std::filesystem::remove(file, error);
}

void write_file_atomically(const std::string& path, std::string_view content) {
  PendingFile file(path);
  file.append(std::as_bytes(std::span(content)));
  file.commit();
}

void write_file_atomically(
    const std::string& path,
    const std::function<void(const std::function<void(std::span<const std::byte>)>&)>& write) {
  PendingFile file(path);
  write([&](std::span<const std::byte> bytes) { file.append(bytes); });
  file.commit();
}

}  // namespace deepmoe
