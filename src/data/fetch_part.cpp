#include "data/fetch_part.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/base.hpp"
#include "storage/system_failure.hpp"

namespace deepmoe {

void write_fetched(int descriptor, const std::string& path, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
      fail(ErrorCode::io, "can't write '", path, "': ", std::generic_category().message(errno),
           ". Free some space or choose a data_dir on another disk, and fetch again; what was downloaded is "
           "kept");
    } else if (errno != EINTR) {
      fail_of_system("write", path, errno);
    }
  }
}

PartialFile::PartialFile(std::string path) : path_(std::move(path)) {
  try {
    while (!open_and_lock()) {
    }
  } catch (...) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw;
  }
}

PartialFile::~PartialFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) ::unlink(path_.c_str());
  ::close(descriptor_);  // Only now may another one have it.
}

/// False when the file was removed between its opening and its locking.
bool PartialFile::open_and_lock() {
  descriptor_ =
      ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (descriptor_ < 0) fail_of_system("write", path_, errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    fail(ErrorCode::state, "'", path_,
         "' is in use: the data set is being fetched already. Wait for the end of that");
  }
  struct stat opened{}, named{};
  if (::fstat(descriptor_, &opened) != 0) fail_of_system("read", path_, errno);
  if (!S_ISREG(opened.st_mode)) {
    fail(ErrorCode::state, "'", path_,
         "' is not a regular file, so nothing can be downloaded to it. Remove it");
  }
  if (::stat(path_.c_str(), &named) != 0 || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev) {
    ::close(std::exchange(descriptor_, -1));
    return false;
  }
  size_ = opened.st_size;
  return true;
}

void PartialFile::append(std::span<const std::byte> bytes) {
  write_fetched(descriptor_, path_, bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
  appended_ += static_cast<std::int64_t>(bytes.size());
}

void PartialFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) fail_of_system("write", path_, errno);
  size_ = appended_ = 0;
}

void PartialFile::remove() {
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail_of_system("remove", path_, errno);
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace deepmoe
