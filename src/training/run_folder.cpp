#include "training/run_folder.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "storage/storage.hpp"

namespace deepmoe {

RunFolder::RunFolder(std::string path) : path_(std::move(path)) {
  if (exists()) make_folder(path_);
}

void RunFolder::write_config(const Options& options) const {
  if (exists()) write_file_atomically(file("config.json"), options.resolved().dump(2) + "\n");
}

void RunFolder::write_summary(const nlohmann::json& summary) const {
  if (exists()) write_file_atomically(file("summary.json"), summary.dump(2) + "\n");
}

}  // namespace deepmoe
