#include "cpu.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

namespace deepmoe::capi {
namespace {

// Vector extensions that LibTorch or the kernels choose by; x86 first, then ARM.
constexpr std::array<std::string_view, 16> interesting = {
    "sse4_2",      "avx",         "f16c",     "fma",      "avx2",  "avx512f", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "asimdhp", "sve",      "bf16"};

std::string machine() {
  utsname name{};
  return uname(&name) == 0 ? name.machine : "unknown";
}

void add_features(const std::string& flags, std::vector<std::string>& features) {
  std::istringstream words(flags);
  for (std::string word; words >> word;) {
    if (std::find(interesting.begin(), interesting.end(), word) != interesting.end())
      features.push_back(word);
  }
}

}  // namespace

Cpu this_cpu() {
  Cpu cpu;
  cpu.cores = std::thread::hardware_concurrency();
  // One paragraph a core; the first stands for all. "flags" is x86's word, "Features" that of ARM.
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    const std::string value = colon + 2 <= line.size() ? line.substr(colon + 2) : std::string();
    if (key == "model name") cpu.model = value;
    if (key == "flags" || key == "Features") add_features(value, cpu.features);
  }
  if (cpu.model.empty()) cpu.model = machine();
  return cpu;
}

}  // namespace deepmoe::capi
