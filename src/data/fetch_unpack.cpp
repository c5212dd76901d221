#include "data/fetch_unpack.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/base.hpp"
#include "data/fetch_part.hpp"
#include "storage/storage.hpp"
#include "storage/system_failure.hpp"

namespace deepmoe {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 1024;
constexpr int deepest_name = 16;

/// A new file, flushed to the disk at close().
class NewFile {
 public:
  /// What is there already, links included, is never opened.
  explicit NewFile(std::string path)
      : path_(std::move(path)),
        descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail_of_system("write", path_, errno);
  }
  ~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void append(std::span<const std::byte> bytes) { write_fetched(descriptor_, path_, bytes); }
  void close() {
    const bool flushed = ::fsync(descriptor_) == 0;
    const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
    if (!flushed || !closed) fail_of_system("write", path_, errno);
  }

 private:
  std::string path_;
  int descriptor_;
};

class Unpacking {
 public:
  Unpacking(const std::string& path, const std::string& folder, const UnpackLimits& limits,
            const std::function<bool(std::int64_t, std::int64_t)>& progress)
      : path_(path), folder_(folder), limits_(limits), progress_(progress), archive_(archive_read_new()) {
    if (archive_ == nullptr) throw std::bad_alloc();
    archive_read_support_format_tar(archive_.get());
    archive_read_support_filter_gzip(archive_.get());
    archive_read_support_filter_bzip2(archive_.get());
    archive_read_support_filter_xz(archive_.get());
    archive_read_support_filter_zstd(archive_.get());
    std::error_code unknown;
    const auto size = fs::file_size(path, unknown);
    if (!unknown) archive_bytes_ = static_cast<std::int64_t>(size);
  }

  void run() {
    require_good(archive_read_open_filename(archive_.get(), path_.c_str(), piece_bytes));
    for (archive_entry* entry = nullptr; next(&entry);) {
      if (++entries_ > limits_.entries) refuse("it has more than ", limits_.entries, " entries");
      unpack(entry);
    }
  }

 private:
  static constexpr std::size_t piece_bytes = std::size_t(1) << 18;

  bool next(archive_entry** entry) {
    const int status = archive_read_next_header(archive_.get(), entry);
    if (status == ARCHIVE_EOF) return false;
    require_good(status);
    return true;
  }

  /// A warning, such as of a name in an unknown encoding, is no reason to refuse.
  void require_good(int status) {
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) refuse_unreadable();
  }

  [[noreturn]] void refuse_unreadable() {
    const char* const reason = archive_error_string(archive_.get());
    refuse("it can't be read as a tar archive: ", reason != nullptr ? reason : "it is damaged");
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) {
    fail(ErrorCode::format, "archive '", path_, "' is refused: ", parts...);
  }

  void unpack(archive_entry* entry) {
    const fs::path name = harmless_name(entry);
    const auto type = archive_entry_filetype(entry);
    const bool link = archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr;
    if (link || (type != AE_IFREG && type != AE_IFDIR)) {
      refuse("its entry '", name.string(), "' is ", link ? "a link" : "neither a file nor a folder");
    }
    if (name.empty()) return;  // The folder itself.
    const fs::path target = fs::path(folder_) / name;
    make_folder((type == AE_IFDIR ? target : target.parent_path()).string());
    if (type != AE_IFREG) return;
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(target, ignored))) refuse("it has two entries '", name.string(), "'");
    count_bytes(archive_entry_size(entry));
    unpack_file(target);
  }

  void count_bytes(std::int64_t count) {
    if (count > limits_.bytes - bytes_) refuse("its files have more than ", limits_.bytes, " bytes");
    bytes_ += count;
  }

  /// The library gives as many bytes as the entry promised, the holes of sparse files included.
  void unpack_file(const fs::path& target) {
    NewFile file(target.string());
    while (true) {
      const la_ssize_t count = archive_read_data(archive_.get(), piece_.data(), piece_.size());
      if (count < 0) refuse_unreadable();
      if (count == 0) break;
      file.append(std::span(piece_).first(static_cast<std::size_t>(count)));
      if (progress_ && !progress_(archive_filter_bytes(archive_.get(), -1), archive_bytes_)) {
        fail(ErrorCode::cancelled, "stopped while '", path_, "' was unpacked");
      }
    }
    file.close();
  }

  /// The entry's path below the folder, which is empty for the folder itself.
  fs::path harmless_name(archive_entry* entry) {
    const char* text = archive_entry_pathname(entry);
    if (text == nullptr) text = archive_entry_pathname_utf8(entry);
    if (text == nullptr || *text == '\0') refuse("it has an entry without a name");
    const fs::path given(text);
    if (given.native().size() > longest_name)
      refuse("it has an entry with a name of ", given.native().size(), " bytes");
    if (given.is_absolute()) refuse("its entry '", text, "' is an absolute path");
    fs::path name;
    int depth = 0;
    for (const fs::path& part : given) {
      if (part == "..") refuse("its entry '", text, "' leads out of the folder");
      if (part.empty() || part == ".") continue;
      if (++depth > deepest_name)
        refuse("its entry '", text, "' is more than ", deepest_name, " folders deep");
      name /= part;
    }
    return name;
  }

  struct Release {
    void operator()(archive* object) const { archive_read_free(object); }
  };

  const std::string& path_;
  const std::string& folder_;
  const UnpackLimits limits_;
  const std::function<bool(std::int64_t, std::int64_t)>& progress_;
  std::unique_ptr<archive, Release> archive_;
  std::vector<std::byte> piece_ = std::vector<std::byte>(piece_bytes);
  std::int64_t archive_bytes_ = -1, entries_ = 0, bytes_ = 0;
};

}  // namespace

void unpack_archive(const std::string& archive, const std::string& folder, const UnpackLimits& limits,
                    const std::function<bool(std::int64_t done, std::int64_t total)>& progress) {
  Unpacking(archive, folder, limits, progress).run();
}

}  // namespace deepmoe
