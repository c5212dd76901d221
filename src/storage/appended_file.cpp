#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "storage/storage.hpp"
#include "storage/system_failure.hpp"

namespace deepmoe {
namespace {

/// What stands in the file behind its first `length` bytes is dropped, and writing goes on there.
bool cut(int descriptor, std::uint64_t length) {
  const auto end = static_cast<off_t>(length);
  return ::ftruncate(descriptor, end) == 0 && ::lseek(descriptor, end, SEEK_SET) == end;
}

}  // namespace

AppendedFile::AppendedFile(const std::string& path, std::uint64_t keep) : path_(path), size_(keep) {
  if (keep > 0) {
    struct stat old {};
    if (::stat(path.c_str(), &old) != 0) fail_of_system("write", path_, errno);
    if (static_cast<std::uint64_t>(old.st_size) < keep) {
      fail(ErrorCode::format, "can't go on writing '", path_, "' behind its first ", keep,
           " bytes: it has only ", old.st_size);
    }
  }
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (keep == 0 ? O_TRUNC : 0), 0666);
  if (descriptor_ < 0) fail_of_system("write", path_, errno);
  if (keep > 0 && !cut(descriptor_, keep)) {
    const int reason = errno;
    ::close(descriptor_);
    fail_of_system("write", path_, reason);
  }
}

AppendedFile::~AppendedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

AppendedFile::AppendedFile(AppendedFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)) {}

void AppendedFile::append(std::string_view content) {
  const auto give_up = [this](int reason) {
    // What did get in is taken back; a device needs no such thing.
    static_cast<void>(cut(descriptor_, size_));
    fail_of_system("write", path_, reason);
  };
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) give_up(errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  // Pipes and some devices cannot be flushed.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS) give_up(errno);
  size_ += content.size();
}

}  // namespace deepmoe
