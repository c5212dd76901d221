#include <filesystem>

#include "storage/storage.hpp"
#include "storage/system_failure.hpp"

namespace deepmoe {

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return;
  // A file in the way is a refusal, not something absent.
  fail(ErrorCode::io, "can't make folder '", path, "': ", error.message());
}

}  // namespace deepmoe
