#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "architecture/attributes.hpp"
#include "architecture/limits.hpp"
#include "architecture/names.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

constexpr std::int64_t format_version = 1;

/// Reads the members of one JSON object by name and refuses what nobody asked for.
class ObjectReader {
 public:
  /// `where` begins the messages, e.g. "architecture, node 'conv1'".
  ObjectReader(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object())
      fail(ErrorCode::format, where_, ": a JSON object is needed, not ", object.type_name());
  }

  bool has(std::string_view name) const { return object_.find(name) != object_.end(); }

  const json& member(std::string_view name) {
    known_.emplace_back(name);
    const auto found = object_.find(name);
    if (found == object_.end()) fail(ErrorCode::format, where_, ": member '", name, "' is missing");
    return *found;
  }

  void read(std::string_view name, std::string& value) {
    const json& found = member(name);
    if (!found.is_string()) refuse_type(name, found, "a string");
    value = found.get_ref<const std::string&>();
  }
  void read(std::string_view name, bool& value) {
    const json& found = member(name);
    if (!found.is_boolean()) refuse_type(name, found, "true or false");
    value = found.get<bool>();
  }
  void read(std::string_view name, double& value) {
    const json& found = member(name);
    if (!found.is_number()) refuse_type(name, found, "a number");
    value = found.get<double>();
  }
  void read(std::string_view name, std::int64_t& value) {
    const json& found = member(name);
    if (!found.is_number_integer()) refuse_type(name, found, "an integer");
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (found.is_number_unsigned() && found.get<std::uint64_t>() > largest) {
      fail(ErrorCode::format, where_, ": member '", name, "' is ", found.get<std::uint64_t>(),
           ", which is too large");
    }
    value = found.get<std::int64_t>();
  }
  const json::array_t& array(std::string_view name) {
    const json& found = member(name);
    if (!found.is_array()) refuse_type(name, found, "an array");
    return found.get_ref<const json::array_t&>();
  }

  /// To be called after the last read: every other member is an error.
  void finish() const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
        fail(ErrorCode::format, where_, ": unknown member '", shown(name), "'.",
             suggestion(shown(name), known_));
      }
    }
  }

  const std::string& where() const { return where_; }

 private:
  [[noreturn]] void refuse_type(std::string_view name, const json& found, std::string_view needed) const {
    fail(ErrorCode::format, where_, ": member '", name, "' must be ", needed, ", not ", found.type_name());
  }

  const json& object_;
  std::string where_;
  std::vector<std::string> known_;
};

template <std::size_t... Index>
std::vector<Operation> make_operations(std::index_sequence<Index...>) {
  return {Operation(std::variant_alternative_t<Index, Operation>{})...};
}

/// The operation called `name`, with attributes yet to be read.
Operation blank_operation(const std::string& name, const std::string& where) {
  static const std::vector<Operation> operations =
      make_operations(std::make_index_sequence<std::variant_size_v<Operation>>());
  for (const Operation& operation : operations) {
    if (operation_name(operation) == name) return operation;
  }
  std::vector<std::string> names;
  for (const Operation& operation : operations) names.emplace_back(operation_name(operation));
  fail(ErrorCode::format, where, ": unknown operation '", shown(name), "'.", suggestion(shown(name), names),
       " Known operations: ", join(names), ".");
}

class ArchitectureReader {
 public:
  Architecture read(const json& document) {
    ObjectReader reader(document, "architecture");
    std::int64_t version = 0;
    reader.read("format", version);
    if (version != format_version) {
      fail(ErrorCode::format, "architecture: format ", version, " is unknown; this version reads format ",
           format_version);
    }
    reader.read("model", architecture_.model);
    reader.read("image_channels", architecture_.image_channels);
    reader.read("image_size", architecture_.image_size);

    const json::array_t& nodes = reader.array("nodes");
    if (nodes.size() > static_cast<std::size_t>(largest_node_count)) {
      fail(ErrorCode::format, "architecture: ", nodes.size(), " nodes are more than the ", largest_node_count,
           " allowed");
    }
    for (const json& node : nodes) read_node(node);

    ObjectReader outputs(reader.member("outputs"), "architecture, outputs");
    architecture_.logits = output(outputs, "logits");
    for (const auto& [name, index] : {std::pair{"embedding", &architecture_.embedding},
                                      std::pair{"embedding_logits", &architecture_.embedding_logits}}) {
      if (outputs.has(name)) *index = output(outputs, name);
    }
    outputs.finish();
    reader.finish();
    validate(architecture_);
    return std::move(architecture_);
  }

 private:
  void read_node(const json& object) {
    const std::size_t number = architecture_.nodes.size();
    Node node;
    ObjectReader unnamed(object, concat("architecture, node number ", number));
    unnamed.read("name", node.name);
    if (!is_plain_name(node.name)) {
      fail(ErrorCode::format, unnamed.where(), ": its name '", shown(node.name), "' ", plain_name_rule());
    }

    ObjectReader reader(object, concat("architecture, node '", node.name, "'"));
    reader.member("name");
    std::string operation;
    reader.read("operation", operation);
    node.operation = blank_operation(operation, reader.where());
    for (const json& input : reader.array("inputs")) {
      if (!input.is_string())
        fail(ErrorCode::format, reader.where(), ": each of its inputs must be a node's name");
      node.inputs.push_back(find(input.get_ref<const std::string&>(), reader.where()));
    }
    if (reader.has("parameters")) reader.read("parameters", node.parameters);
    std::visit(
        [&](auto& plain) {
          visit_attributes(plain, [&](std::string_view name, auto& value, Presence presence) {
            if (presence == Presence::required || reader.has(name)) reader.read(name, value);
          });
        },
        node.operation);
    reader.finish();
    if (!indices_.emplace(node.name, static_cast<std::int32_t>(number)).second) {
      fail(ErrorCode::format, reader.where(), ": another node has the same name");
    }
    architecture_.nodes.push_back(std::move(node));
  }

  std::int32_t output(ObjectReader& outputs, const char* name) const {
    std::string node;
    outputs.read(name, node);
    return find(node, outputs.where());
  }

  std::int32_t find(const std::string& name, const std::string& where) const {
    const auto found = indices_.find(name);
    if (found == indices_.end())
      fail(ErrorCode::format, where, ": it names '", shown(name), "', but no node before it is called so");
    return found->second;
  }

  Architecture architecture_;
  std::map<std::string, std::int32_t> indices_;
};

}  // namespace

json to_json(const Architecture& architecture) {
  const auto name_of = [&](std::int32_t index) {
    return architecture.nodes.at(static_cast<std::size_t>(index)).name;
  };
  json nodes = json::array();
  for (const Node& node : architecture.nodes) {
    json inputs = json::array();
    for (const std::int32_t input : node.inputs) inputs.push_back(name_of(input));
    json object = {
        {"name", node.name}, {"operation", operation_name(node.operation)}, {"inputs", std::move(inputs)}};
    if (!node.parameters.empty()) object["parameters"] = node.parameters;
    std::visit(
        [&](const auto& operation) {
          visit_attributes(operation, [&](std::string_view name, const auto& value, Presence presence) {
            if (presence != Presence::implied) object[std::string(name)] = value;
          });
        },
        node.operation);
    nodes.push_back(std::move(object));
  }
  json outputs = {{"logits", name_of(architecture.logits)}};
  if (architecture.embedding >= 0) outputs["embedding"] = name_of(architecture.embedding);
  if (architecture.embedding_logits >= 0)
    outputs["embedding_logits"] = name_of(architecture.embedding_logits);
  return {{"format", format_version},
          {"model", architecture.model},
          {"image_channels", architecture.image_channels},
          {"image_size", architecture.image_size},
          {"nodes", std::move(nodes)},
          {"outputs", std::move(outputs)}};
}

Architecture architecture_from_json(const json& document) { return ArchitectureReader().read(document); }

}  // namespace deepmoe
