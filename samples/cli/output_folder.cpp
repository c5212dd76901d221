#include "output_folder.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "failure.hpp"

namespace deepmoe::command {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& folder, const std::error_code& error) {
  throw std::runtime_error("can't make the folder '" + folder.string() + "' for the run: " + error.message() +
                           "; choose another one with --out");
}

/// Whether the folder was made just now; false if something was there.
bool make(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error && !fs::exists(folder)) refuse(folder, error);
  return made;
}

/// Removes a folder's files with one of these endings, and then the folder if nothing else is in it.
void remove_files(const fs::path& folder, const std::vector<std::string>& endings) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string ending = entry->path().extension().string();
    if (std::find(endings.begin(), endings.end(), ending) != endings.end()) files.push_back(entry->path());
  }
  for (const fs::path& file : files) {
    fs::remove(file, error);
    if (error) throw std::runtime_error("can't remove '" + file.string() + "': " + error.message());
  }
  fs::remove(folder, error);
}

}  // namespace

bool holds_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "config.json", ignored) || fs::exists(folder / "metrics.csv", ignored);
}

void remove_run(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const char* name : {"summary.json", "metrics.csv", "metrics.jsonl", "best.safetensors",
                           "last.safetensors", "config.json"}) {
    files.push_back(folder / name);
  }
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    // What TensorBoard reads.
    if (entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0) files.push_back(entry.path());
  }
  for (const fs::path& file : files) {
    fs::remove(file, error);
    if (error) throw std::runtime_error("can't remove '" + file.string() + "': " + error.message());
  }
  for (const char* name : {"checkpoints", "best"}) remove_files(folder / name, {".safetensors"});
  remove_files(folder / "report", {".html", ".json", ".csv"});
}

OutputFolder::OutputFolder(const fs::path& folder, bool exact) : path_(folder) {
  std::error_code error;
  if (folder.has_parent_path() && !fs::exists(folder.parent_path())) {
    for (fs::path missing = folder.parent_path(); !missing.empty() && !fs::exists(missing, error);
         missing = missing.parent_path()) {
      made_parents_.push_back(missing);
    }
    fs::create_directories(folder.parent_path(), error);
    if (error) refuse(folder, error);
  }
  made_ = make(path_);
  if (exact) {
    if (!fs::is_directory(path_)) refuse(path_, std::make_error_code(std::errc::not_a_directory));
    return;
  }
  for (int number = 2; !made_; ++number) {
    path_ = folder;
    path_ += "-" + std::to_string(number);
    made_ = make(path_);
  }
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  // Only empty folders can be removed this way.
  if (made_) fs::remove(path_, ignored);
  for (const fs::path& parent : made_parents_) fs::remove(parent, ignored);
}

}  // namespace deepmoe::command
