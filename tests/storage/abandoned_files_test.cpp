#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/temporary_folder.hpp"
#include "storage/abandoned_files.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

TEST_CASE("what a killed process left unfinished is removed and nothing else") {
  const TemporaryFolder folder;
  // A process that is gone for certain: it was waited for.
  const pid_t gone = fork();
  REQUIRE(gone >= 0);
  if (gone == 0) _exit(0);
  REQUIRE(waitpid(gone, nullptr, 0) == gone);
  const auto put = [&](const std::string& name) {
    write_file_atomically(folder.file(name), "x");
    return name;
  };
  const std::string abandoned = put(".deepmoe-" + std::to_string(gone) + "-7.tmp");
  const std::vector<std::string> others = {
      put(".deepmoe-" + std::to_string(getpid()) + "-7.tmp"), put(".deepmoe-x-7.tmp"),
      put(".deepmoe-" + std::to_string(gone) + ".txt"), put(".deepmoe--5-7.tmp"), put("weights.safetensors")};
  remove_abandoned_files(folder.path());
  CHECK_FALSE(std::filesystem::exists(folder.file(abandoned)));
  for (const std::string& name : others) {
    CAPTURE(name);
    CHECK(std::filesystem::exists(folder.file(name)));
  }
  remove_abandoned_files(folder.file("absent"));
}
