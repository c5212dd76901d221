#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "plugin/plugin_object.hpp"

namespace deepmoe {
namespace {

/// The size of a table in a version; 0 where it did not exist.
template <class Table>
std::size_t size_in(std::int32_t) {
  return sizeof(Table);
}
template <>
std::size_t size_in<dmoe_plugin_table>(std::int32_t version) {
  return version == 1 ? offsetof(dmoe_plugin_table, backbones) : sizeof(dmoe_plugin_table);
}
template <>
std::size_t size_in<dmoe_plugin_backbone>(std::int32_t version) {
  return version == 1 ? 0 : sizeof(dmoe_plugin_backbone);
}
template <>
std::size_t size_in<dmoe_plugin_gate_metric>(std::int32_t version) {
  return version == 1 ? 0 : sizeof(dmoe_plugin_gate_metric);
}

/// Every table begins so.
struct Head {
  std::int32_t version, size;
};

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(ErrorCode::format, file_, " is not a plugin that this library can use: ", parts...);
  }

  /// A copy of a table, as long as this version's.
  template <class Table>
  Table table(const Table* source, const std::string& what) const {
    Head head{};
    std::memcpy(&head, source, sizeof head);
    if (head.version < 1 || head.version > DMOE_PLUGIN_VERSION) {
      refuse(what, " is of version ", head.version, ", must be 1 to ", DMOE_PLUGIN_VERSION);
    }
    const std::size_t size = size_in<Table>(head.version);
    if (head.size < 0 || static_cast<std::size_t>(head.size) != size) {
      refuse(what, " has ", head.size, " bytes, must have ", size, " in version ", head.version,
             "; was it filled with DMOE_PLUGIN_TABLE?");
    }
    Table copy{};
    std::memcpy(&copy, source, size);
    return copy;
  }

  std::string name(const char* text, const std::string& what) const {
    if (text == nullptr) refuse(what, " has no name");
    constexpr std::size_t longest = 64;
    const std::string name(text, strnlen(text, longest + 1));
    const auto fits = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '-' || c == '.';
    };
    if (name.empty() || name.size() > longest || !std::all_of(name.begin(), name.end(), fits)) {
      refuse("the name of ", what, " must be 1 to ", longest, " letters, digits, '_', '-' and '.'");
    }
    return name;
  }

  /// The tables of one kind. `functions` names their members that must not be NULL.
  template <class Table, class Functions>
  std::vector<Table> list(const Table* const* tables, const std::string& kind, Functions functions) const {
    constexpr std::size_t most = 1000;
    std::vector<Table> copies;
    for (std::size_t i = 0; tables != nullptr && tables[i] != nullptr; ++i) {
      const std::string what = concat("the table of ", kind, " ", i);
      if (i == most) refuse("there are more than ", most, " ", kind, "s; the list must end with NULL");
      copies.push_back(table(tables[i], what));
      const std::string own = name(copies.back().name, what);
      for (const auto& [member, there] : functions(copies.back())) {
        if (!there) refuse(what, ", '", own, "', has no function ", member);
      }
      for (std::size_t other = 0; other < i; ++other) {
        if (own == copies[other].name) refuse("there are two ", kind, "s called '", own, "'");
      }
    }
    return copies;
  }

 private:
  const std::string& file_;
};

using Members = std::vector<std::pair<const char*, bool>>;

Members functions_of(const dmoe_plugin_dataset& table) {
  return {{"open", table.open != nullptr},
          {"describe", table.describe != nullptr},
          {"labels", table.labels != nullptr},
          {"image", table.image != nullptr},
          {"close", table.close != nullptr}};
}
Members functions_of(const dmoe_plugin_observer& table) {
  return {{"create", table.create != nullptr},
          {"event", table.event != nullptr},
          {"release", table.release != nullptr}};
}
Members functions_of(const dmoe_plugin_backbone& table) { return {{"build", table.build != nullptr}}; }
Members functions_of(const dmoe_plugin_gate_metric& table) {
  return {{"create", table.create != nullptr},
          {"add", table.add != nullptr},
          {"read", table.read != nullptr},
          {"release", table.release != nullptr}};
}

}  // namespace

std::shared_ptr<Plugin> read_tables(const std::string& file, const dmoe_plugin_table* source) {
  const Reader reader(file);
  const dmoe_plugin_table table = reader.table(source, "its table");
  auto plugin = std::make_shared<Plugin>();
  plugin->file = file;
  plugin->version = table.version;
  plugin->name = reader.name(table.name, "the plugin");
  if (table.summary != nullptr) plugin->summary = table.summary;
  const auto functions = [](const auto& one) { return functions_of(one); };
  plugin->datasets = reader.list(table.datasets, "data set", functions);
  plugin->observers = reader.list(table.observers, "observer", functions);
  plugin->backbones = reader.list(table.backbones, "backbone", functions);
  plugin->gate_metrics = reader.list(table.gate_metrics, "gate metric", functions);
  return plugin;
}

}  // namespace deepmoe
