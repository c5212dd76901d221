#pragma once

/// The deepmoe command as a child process, in a folder and an environment of its own.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace deepmoe::cli_test {

/// A new empty folder, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  /// The path of `name` in it.
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Result {
  int status = -1;  ///< the exit status; -N when signal N ended the process
  std::string output, errors;
};

using Environment = std::map<std::string, std::string>;

/// Files that the standard streams go to instead of to what finish() returns; empty ones do not.
struct Redirection {
  std::string output, errors;
};

/// A running command. Its environment is that of the tests without DEEPMOE_* variables, and `environment`
/// besides.
class Process {
 public:
  Process(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
          const Environment& environment = {}, const Redirection& redirection = {});
  /// Ends it, if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Waits until `text` stands in the standard error stream; false when the process ends or a minute passes
  /// before.
  bool wait_for(const std::string& text);
  void send(int signal);
  /// Waits for its end.
  Result finish();

 private:
  bool running();
  std::filesystem::path streams_;
  int id_ = -1;
  int wait_status_ = 0;
  bool ended_ = false;
};

/// Runs the command in `folder` to its end.
Result run(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
           const Environment& environment = {});
/// The same where the folder does not matter.
Result run(const std::vector<std::string>& arguments, const Environment& environment = {});

/// Requires that the command failed with `status`, printed nothing but one line that begins "deepmoe: error:
/// " and holds `text`.
void require_refusal(const Result& result, int status, const std::string& text);

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace deepmoe::cli_test
