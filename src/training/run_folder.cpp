#include "training/run_folder.hpp"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/base.hpp"
#include "storage/abandoned_files.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view epoch_prefix = "epoch-", weights_suffix = ".safetensors";

/// The epoch that a file is called by, or 0 for another file.
std::int64_t epoch_of(std::string_view name) {
  if (!name.starts_with(epoch_prefix) || !name.ends_with(weights_suffix)) return 0;
  name.remove_prefix(epoch_prefix.size());
  name.remove_suffix(weights_suffix.size());
  std::int64_t epoch = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), epoch);
  return error == std::errc() && end == name.data() + name.size() ? epoch : 0;
}

}  // namespace

RunFolder::RunFolder(std::string path) : path_(std::move(path)) {
  if (!exists()) return;
  make_folder(path_);
  remove_abandoned_files(path_);
}

std::string RunFolder::epoch_file(const std::string& kind, std::int64_t epoch) const {
  char number[32];
  std::snprintf(number, sizeof number, "%04lld", static_cast<long long>(epoch));
  return concat(path_, "/", kind, "/", epoch_prefix, number, weights_suffix);
}

std::string RunFolder::checkpoint_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  const std::string checkpoint = (fs::path(path) / "checkpoints" / "last.safetensors").string();
  if (!fs::exists(checkpoint, ignored)) {
    fail(ErrorCode::not_found, "'", path, "' holds no run that could go on: there is no '", checkpoint, "'");
  }
  return checkpoint;
}

void RunFolder::prepare(const std::string& kind) const {
  if (!exists()) return;
  make_folder(file(kind));
  remove_abandoned_files(file(kind));
}

void RunFolder::keep_epochs(const std::string& kind, const std::function<bool(std::int64_t)>& kept) const {
  if (!exists()) return;
  std::error_code error;
  std::vector<fs::path> superfluous;
  for (fs::directory_iterator entry(file(kind), error), end; !error && entry != end; entry.increment(error)) {
    const std::int64_t epoch = epoch_of(entry->path().filename().native());
    if (epoch > 0 && !kept(epoch)) superfluous.push_back(entry->path());
  }
  for (const fs::path& path : superfluous) fs::remove(path, error);
}

void RunFolder::write_config(const Options& options) const {
  if (exists()) write_file_atomically(file("config.json"), options.resolved().dump(2) + "\n");
}

void RunFolder::write_summary(const nlohmann::json& summary) const {
  if (exists()) write_file_atomically(file("summary.json"), summary.dump(2) + "\n");
}

}  // namespace deepmoe
