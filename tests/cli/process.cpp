#include "process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace deepmoe::cli_test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> child_environment(const Environment& additions) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string(*variable).rfind("DEEPMOE_", 0) != 0) variables.emplace_back(*variable);
  }
  for (const auto& [name, value] : additions) variables.push_back(name + "=" + value);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "deepmoe-cli-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Process::Process(const fs::path& folder, const std::vector<std::string>& arguments,
                 const Environment& environment, const Redirection& redirection) {
  std::string name = (fs::temp_directory_path() / "deepmoe-streams-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  streams_ = name;
  std::vector<std::string> words = {DEEPMOE_COMMAND};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = child_environment(environment);
  const std::vector<char*> argv = pointers(words), envp = pointers(variables);
  const std::string output = redirection.output.empty() ? (streams_ / "output").string() : redirection.output;
  const std::string errors = redirection.errors.empty() ? (streams_ / "errors").string() : redirection.errors;
  id_ = fork();
  REQUIRE(id_ >= 0);
  if (id_ > 0) return;
  const int flags = O_CREAT | O_WRONLY | O_TRUNC;
  const bool ready = chdir(folder.c_str()) == 0 && dup2(open("/dev/null", O_RDONLY), 0) >= 0 &&
                     dup2(open(output.c_str(), flags, 0600), 1) >= 0 &&
                     dup2(open(errors.c_str(), flags, 0600), 2) >= 0;
  if (ready) execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

Process::~Process() {
  if (running()) {
    kill(id_, SIGKILL);
    waitpid(id_, &wait_status_, 0);
  }
  std::error_code ignored;
  fs::remove_all(streams_, ignored);
}

bool Process::running() {
  if (!ended_) ended_ = waitpid(id_, &wait_status_, WNOHANG) == id_;
  return !ended_;
}

bool Process::wait_for(const std::string& text) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    const bool alive = running();
    if (read_file(streams_ / "errors").find(text) != std::string::npos) return true;
    if (!alive) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void Process::send(int signal) {
  if (running()) kill(id_, signal);
}

Result Process::finish() {
  if (!ended_) waitpid(id_, &wait_status_, 0);
  ended_ = true;
  const int status = WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : -WTERMSIG(wait_status_);
  return {status, read_file(streams_ / "output"), read_file(streams_ / "errors")};
}

Result run(const fs::path& folder, const std::vector<std::string>& arguments,
           const Environment& environment) {
  Process process(folder, arguments, environment);
  return process.finish();
}

Result run(const std::vector<std::string>& arguments, const Environment& environment) {
  const TemporaryFolder folder;
  return run(folder.path(), arguments, environment);
}

void require_refusal(const Result& result, int status, const std::string& text) {
  INFO("errors: ", result.errors);
  INFO("output: ", result.output);
  REQUIRE(result.status == status);
  CHECK(result.output.empty());
  CHECK(result.errors.rfind("deepmoe: error: ", 0) == 0);
  CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
  CHECK(result.errors.find(text) != std::string::npos);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_file(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  REQUIRE(file.flush());
}

}  // namespace deepmoe::cli_test
