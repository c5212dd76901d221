#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace deepmoe::command {

/// Whether a folder holds a run.
bool holds_run(const std::filesystem::path& folder);

/// Removes the files of a run, and nothing else, from a folder.
void remove_run(const std::filesystem::path& folder);

/// A folder for a run that this process alone writes to. Removed again at the end, with the folders above it,
/// if it was made here and is empty.
class OutputFolder {
 public:
  /// `folder` itself if nothing is there yet or, when `exact`, even if there is; else the first of
  /// `folder`-2, `folder`-3, ... that does not exist.
  OutputFolder(const std::filesystem::path& folder, bool exact);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
  bool made_ = false;
  std::vector<std::filesystem::path> made_parents_;  ///< the innermost first
};

}  // namespace deepmoe::command
