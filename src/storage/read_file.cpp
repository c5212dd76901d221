#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "storage/storage.hpp"
#include "storage/system_failure.hpp"

namespace deepmoe {
namespace {

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail_of_system("read", path, errno);
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

std::string read_file(const std::string& path, std::uint64_t limit) {
  const OpenFile file(path);
  std::string content;
  // The size that the system reports is no guide: it is 0 for pipes and for /proc, and may change while we
  // read.
  std::string piece(std::size_t(1) << 18, '\0');
  while (true) {
    const ssize_t count = ::read(file.descriptor(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_of_system("read", path, errno);
    if (count == 0) return content;
    if (static_cast<std::uint64_t>(count) > limit - content.size()) {
      fail(ErrorCode::io, "'", path, "' is too large: more than ", limit, " bytes");
    }
    content.append(piece, 0, static_cast<std::size_t>(count));
  }
}

}  // namespace deepmoe
