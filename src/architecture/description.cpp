#include <nlohmann/json.hpp>

#include "architecture/attributes.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

json shape_json(const Shape& shape) {
  if (shape.is_image()) return {shape.channels, shape.height, shape.width};
  return json::array({shape.channels});
}

json share(std::int64_t parameters, std::int64_t macs, const Cost& total) {
  const auto fraction = [](std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  };
  return {{"parameters", parameters},
          {"parameters_share", fraction(parameters, total.parameters)},
          {"dense_macs", macs},
          {"dense_macs_share", fraction(macs, total.dense_macs)}};
}

json node_json(const Architecture& architecture, const Node& node, const Shape& shape, const NodeCost& cost,
               const std::vector<std::int32_t>& gates) {
  const auto name_of = [&](std::int32_t index) {
    return architecture.nodes[static_cast<std::size_t>(index)].name;
  };
  json inputs = json::array(), attributes = json::object();
  for (const std::int32_t input : node.inputs) inputs.push_back(name_of(input));
  std::visit(
      [&](const auto& operation) {
        visit_attributes(operation, [&](std::string_view name, const auto& value, Presence presence) {
          if (presence != Presence::implied) attributes[std::string(name)] = value;
        });
      },
      node.operation);
  json object = {{"name", node.name},
                 {"operation", operation_name(node.operation)},
                 {"attributes", std::move(attributes)},
                 {"inputs", std::move(inputs)},
                 {"shape", shape_json(shape)},
                 {"parameters", cost.parameters},
                 {"dense_macs", cost.dense_macs}};
  if (cost.input_gate >= 0) object["input_gate"] = name_of(gates[static_cast<std::size_t>(cost.input_gate)]);
  if (cost.output_gate >= 0)
    object["output_gate"] = name_of(gates[static_cast<std::size_t>(cost.output_gate)]);
  return object;
}

}  // namespace

json describe(const Architecture& architecture) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  const Cost total = cost(architecture);
  const std::vector<std::int32_t> gates = architecture.gates();

  json nodes = json::array(), gate_list = json::array();
  for (std::size_t i = 0; i < architecture.nodes.size(); ++i) {
    nodes.push_back(node_json(architecture, architecture.nodes[i], shapes[i], total.nodes[i], gates));
  }
  for (std::size_t position = 0; position < gates.size(); ++position) {
    const auto index = static_cast<std::size_t>(gates[position]);
    json spares_inputs = json::array(), spares_outputs = json::array();
    for (std::size_t i = 0; i < total.nodes.size(); ++i) {
      const auto is_this = [&](std::int32_t gate) { return gate == static_cast<std::int32_t>(position); };
      if (is_this(total.nodes[i].input_gate)) spares_inputs.push_back(architecture.nodes[i].name);
      if (is_this(total.nodes[i].output_gate)) spares_outputs.push_back(architecture.nodes[i].name);
    }
    gate_list.push_back({{"name", architecture.nodes[index].name},
                         {"experts", shapes[index].channels},
                         {"parameters", total.nodes[index].parameters},
                         {"dense_macs", total.nodes[index].dense_macs},
                         {"spares_inputs_of", std::move(spares_inputs)},
                         {"spares_outputs_of", std::move(spares_outputs)}});
  }
  return {{"model", architecture.model},
          {"image_channels", architecture.image_channels},
          {"image_size", architecture.image_size},
          {"minimum_image_size", minimum_image_size(architecture)},
          {"num_classes", architecture.num_classes()},
          {"gated", architecture.gated()},
          {"nodes", std::move(nodes)},
          {"gates", std::move(gate_list)},
          {"totals",
           {{"trunk", share(total.trunk_parameters, total.trunk_macs, total)},
            {"gating", share(total.gating_parameters, total.gating_macs, total)},
            {"embedding", share(total.embedding_parameters, total.embedding_macs, total)},
            {"all", share(total.parameters, total.dense_macs, total)}}}};
}

}  // namespace deepmoe
