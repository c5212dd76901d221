#include "resident_memory.hpp"

#include <fstream>
#include <string>

namespace deepmoe::command {
namespace {

/// A line of /proc/self/status, in MB.
std::optional<double> resident(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name, 0) == 0) return std::stod(line.substr(name.size())) * 1024 / 1e6;
  }
  return std::nullopt;
}

}  // namespace

MemoryWatch::MemoryWatch() : before_(resident("RssAnon:")) {
  // Forgets peaks of the past; where that is not allowed, the peak may be one of them.
  std::ofstream("/proc/self/clear_refs") << 5;
}

std::optional<double> MemoryWatch::peak_megabytes() const {
  const std::optional<double> peak = resident("VmHWM:"), files = resident("RssFile:");
  if (!peak || !files || !before_) return std::nullopt;
  return *peak - *files - *before_;
}

}  // namespace deepmoe::command
