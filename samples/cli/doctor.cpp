#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "handle.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

std::string words(const ordered_json& list) {
  std::vector<std::string> items;
  for (const ordered_json& item : list) items.push_back(option_text(item));
  return items.empty() ? "none" : join(items, " ");
}

std::string diagnosis_text(const ordered_json& found) {
  Table table;
  table.wrap_last_column(110);
  const auto ok = [&](const std::string& thing, const std::string& detail) {
    table.add({"ok", thing, detail});
  };
  ok("deepmoe", option_text(found.at("deepmoe")) + ", ABI " + found.at("abi").dump() + ", compiled with " +
                    option_text(found.at("compiler")));

  const ordered_json& libtorch = found.at("libtorch");
  ok("LibTorch", option_text(libtorch.at("version")) + " in " + option_text(libtorch.at("path")));
  ok("threads", libtorch.at("threads").dump() + " on " + found.at("cpu").at("cores").dump() + " cores");
  ok("CPU", option_text(found.at("cpu").at("model")) + "; LibTorch uses " +
                option_text(libtorch.at("cpu_capability")));
  ok("CPU features", words(found.at("cpu").at("features")));
  if (libtorch.at("onednn").get<bool>()) {
    ok("oneDNN", "in LibTorch");
  } else {
    table.add({"missing", "oneDNN",
               "this LibTorch was built without it, so convolutions on the CPU are slow; use the "
               "LibTorch of PyTorch's own package (sh cmake/bootstrap.sh)"});
  }

  const ordered_json& cuda = libtorch.at("cuda");
  if (cuda.at("usable").get<bool>()) {
    ok("CUDA", cuda.at("devices").dump() + " device(s), by " + option_text(cuda.at("library")));
  } else {
    table.add({"missing", "CUDA",
               option_text(cuda.at("reason")) + ". Only --device cuda needs it: with an NVIDIA driver "
                                                "installed, 'sh cmake/bootstrap.sh' installs "
                                                "the LibTorch that has it. Everything else works without."});
  }
  if (cuda.at("usable").get<bool>()) {
    const std::string name = "CUDA graphs, NCCL";
    if (cuda.at("graphs_and_nccl").get<bool>()) {
      ok(name, "in libdeepmoe_cuda");
    } else {
      table.add(
          {"missing", name,
           option_text(cuda.at("graphs_and_nccl_reason")) +
               ". CUDA works without, more slowly: steps are launched operation by operation, and several "
               "processes talk over Gloo."});
    }
  }
  for (const auto& [name, version] : found.at("libraries").items()) ok(name, option_text(version));
  return table.text();
}

int doctor(bool json) {
  const ordered_json found = json_from(dmoe_diagnose);
  std::cout << (json ? found.dump(2) + "\n" : diagnosis_text(found));
  return succeeded;
}

}  // namespace

void add_doctor(CLI::App& root, Action& action) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& app = *root.add_subcommand("doctor", "Show what was found on this machine, and what is missing");
  app.add_flag("--json", *json, "Print it as JSON");
  app.callback([json, &action] { action = [json] { return doctor(*json); }; });
}

}  // namespace deepmoe::command
