#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;

namespace {

/// A terminal of `columns` columns, without anybody before it.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(master_ >= 0);
    REQUIRE(grantpt(master_) == 0);
    REQUIRE(unlockpt(master_) == 0);
    path_ = ptsname(master_);
    // While this is open, reading does not fail between two openings of the other side.
    slave_ = open(path_.c_str(), O_RDWR | O_NOCTTY);
    const winsize size = {25, columns, 0, 0};
    REQUIRE(ioctl(slave_, TIOCSWINSZ, &size) == 0);
    reader_ = std::thread([this] {
      char buffer[4096];
      for (ssize_t count; (count = read(master_, buffer, sizeof buffer)) > 0;) {
        shown_.append(buffer, static_cast<std::size_t>(count));
      }
    });
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    shown();
    close(master_);
  }

  const std::string& path() const { return path_; }
  /// All that was written to it; to be called when the writers have ended.
  const std::string& shown() {
    if (reader_.joinable()) {
      close(slave_);
      reader_.join();
    }
    return shown_;
  }

 private:
  int master_, slave_ = -1;
  std::string path_, shown_;
  std::thread reader_;
};

/// What stood in the line at any time.
std::vector<std::string> drawings(const std::string& shown) {
  std::vector<std::string> lines(1);
  for (const char c : shown) {
    if (c == '\r' || c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("on a terminal one line shows the progress and fits") {
  const TemporaryFolder folder;
  for (const auto columns : std::vector<unsigned short>{80, 120}) {
    CAPTURE(columns);
    Terminal terminal(columns);
    Process process(folder.path(), small_training({"--out", "run" + std::to_string(columns)}), {},
                    {"", terminal.path()});
    const Result result = process.finish();
    const std::string shown = terminal.shown();
    INFO(shown);
    REQUIRE(result.status == 0);
    std::size_t lines_with_bar = 0;
    for (std::string line : drawings(shown)) {
      if (const std::size_t end = line.find("\x1b[K"); end != std::string::npos) line.erase(end);
      if (line.find("epoch 1/2 [") != 0 || line.find("/6") == std::string::npos) continue;
      ++lines_with_bar;
      CHECK(line.size() < columns);
      CHECK(line.find("loss") != std::string::npos);
      CHECK(line.find("lr ") != std::string::npos);
      CHECK(line.find("ETA ") != std::string::npos);
    }
    CHECK(lines_with_bar > 0);
    // The line is replaced, and what stays is one line for each epoch.
    CHECK(std::count(shown.begin(), shown.end(), '\n') == 3);
    CHECK(shown.find("epoch 2/2 done") != std::string::npos);
  }
}
