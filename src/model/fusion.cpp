#include "model/fusion.hpp"

#include <cstddef>

namespace deepmoe {
namespace {

class GroupFinder {
 public:
  explicit GroupFinder(const Architecture& architecture)
      : architecture_(architecture),
        readers_(count_readers(architecture)),
        reader_(architecture.nodes.size(), -1),
        taken_(architecture.nodes.size(), false) {
    for (std::size_t index = 0; index < architecture.nodes.size(); ++index) {
      for (const std::int32_t input : architecture.nodes[index].inputs) {
        reader_[static_cast<std::size_t>(input)] = static_cast<std::int32_t>(index);
      }
    }
  }

  NormGroup around(std::int32_t norm) {
    NormGroup group;
    group.norm = group.last = norm;
    taken_[at(norm)] = true;
    group.input = node(norm).inputs[0];
    if (is<Gate>(group.input) && readers_[at(group.input)] == 1 && !taken_[at(group.input)]) {
      group.gate = group.input;
      group.gate_first = true;
      taken_[at(group.gate)] = true;
      group.input = node(group.gate).inputs[0];
    } else {
      // As its embedding, the value would be read another way.
      const std::int32_t gate = next<Gate>(group);
      if (gate >= 0 && node(gate).inputs[0] == group.last) group.gate = take(group, gate);
    }
    const std::int32_t before_add = group.last;
    group.add = take(group, next<Add>(group));
    if (group.add >= 0) {
      const std::vector<std::int32_t>& inputs = node(group.add).inputs;
      group.residual = inputs[0] == before_add ? inputs[1] : inputs[0];
    }
    group.relu = take(group, next<Relu>(group));
    if (group.relu >= 0 && group.add < 0) group.pool = take(group, next<MaxPool>(group));
    return group;
  }

 private:
  static std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }
  const Node& node(std::int32_t index) const { return architecture_.nodes[at(index)]; }
  template <class Kind>
  bool is(std::int32_t index) const {
    return std::holds_alternative<Kind>(node(index).operation);
  }

  /// The only reader of the group's value if it is of that kind and free, else -1.
  template <class Kind>
  std::int32_t next(const NormGroup& group) const {
    const std::int32_t reader = reader_[at(group.last)];
    const bool fits = reader >= 0 && readers_[at(group.last)] == 1 && is<Kind>(reader) && !taken_[at(reader)];
    return fits ? reader : -1;
  }

  std::int32_t take(NormGroup& group, std::int32_t index) {
    if (index < 0) return -1;
    taken_[at(index)] = true;
    return group.last = index;
  }

  const Architecture& architecture_;
  std::vector<std::int32_t> readers_;
  std::vector<std::int32_t> reader_;  // the last one; meant where there is one only
  std::vector<bool> taken_;
};

}  // namespace

std::vector<std::int32_t> count_readers(const Architecture& architecture) {
  std::vector<std::int32_t> readers(architecture.nodes.size(), 0);
  for (const Node& node : architecture.nodes) {
    for (const std::int32_t input : node.inputs) ++readers[static_cast<std::size_t>(input)];
  }
  for (const std::int32_t output :
       {architecture.logits, architecture.embedding, architecture.embedding_logits}) {
    if (output >= 0) ++readers[static_cast<std::size_t>(output)];
  }
  return readers;
}

std::vector<NormGroup> find_norm_groups(const Architecture& architecture) {
  GroupFinder finder(architecture);
  std::vector<NormGroup> groups;
  for (std::size_t index = 0; index < architecture.nodes.size(); ++index) {
    if (std::holds_alternative<BatchNorm>(architecture.nodes[index].operation)) {
      groups.push_back(finder.around(static_cast<std::int32_t>(index)));
    }
  }
  return groups;
}

}  // namespace deepmoe
