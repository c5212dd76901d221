#include "architecture/gate_reach.hpp"

#include <optional>

namespace deepmoe {
namespace {

bool is_product(const Operation& operation) {
  return std::holds_alternative<Convolution>(operation) || std::holds_alternative<Linear>(operation);
}

/// Whether each output channel depends on the same input channel alone, so that a constant channel stays
/// constant and a channel without a reader needs no input. Flatten makes a run of channels of each.
bool keeps_channels(const Operation& operation) {
  return !is_product(operation) && !std::holds_alternative<Add>(operation) &&
         !std::holds_alternative<Input>(operation) && !std::holds_alternative<Gate>(operation);
}

/// The gates that make channels of each node's output constant.
std::vector<std::int32_t> constant_gates(const Architecture& architecture) {
  std::vector<std::int32_t> gates(architecture.nodes.size(), -1);
  std::int32_t position = 0;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const Node& node = architecture.nodes[i];
    if (std::holds_alternative<Gate>(node.operation)) {
      gates[i] = position++;
    } else if (keeps_channels(node.operation)) {
      gates[i] = gates[static_cast<std::size_t>(node.inputs[0])];
    }
  }
  return gates;
}

/// The reader of each node's output when it has exactly one and is no output of the network itself.
std::vector<std::optional<std::size_t>> only_readers(const Architecture& architecture) {
  std::vector<std::optional<std::size_t>> reader(architecture.nodes.size());
  std::vector<int> count(architecture.nodes.size(), 0);
  for (std::size_t i = 0; i < architecture.nodes.size(); ++i) {
    for (const std::int32_t input : architecture.nodes[i].inputs) {
      reader[static_cast<std::size_t>(input)] = i;
      ++count[static_cast<std::size_t>(input)];
    }
  }
  for (const std::int32_t output :
       {architecture.logits, architecture.embedding, architecture.embedding_logits}) {
    if (output >= 0) ++count[static_cast<std::size_t>(output)];
  }
  for (std::size_t i = 0; i < reader.size(); ++i) {
    if (count[i] != 1) reader[i].reset();
  }
  return reader;
}

}  // namespace

GateReach find_gate_reach(const Architecture& architecture) {
  const std::vector<std::int32_t> constant = constant_gates(architecture);
  const std::vector<std::optional<std::size_t>> readers = only_readers(architecture);

  // Backwards: the gate that decides which channels of a node's output are read.
  std::vector<std::int32_t> read(architecture.nodes.size(), -1);
  GateReach reach{read, read};
  for (std::size_t i = read.size(); i-- > 0;) {
    if (readers[i]) {
      const Operation& reader = architecture.nodes[*readers[i]].operation;
      if (std::holds_alternative<Gate>(reader)) {
        read[i] = constant[*readers[i]];
      } else if (keeps_channels(reader) && !std::holds_alternative<Flatten>(reader)) {
        read[i] = read[*readers[i]];
      }
    }
    if (is_product(architecture.nodes[i].operation)) {
      reach.input_gates[i] = constant[static_cast<std::size_t>(architecture.nodes[i].inputs[0])];
      reach.output_gates[i] = read[i];
    }
  }
  return reach;
}

}  // namespace deepmoe
