#include "compaction/compaction.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/base.hpp"
#include "compaction/channel_groups.hpp"
#include "compaction/group_compaction.hpp"
#include "compaction/weights.hpp"

namespace deepmoe {
namespace {

constexpr std::string_view name_ending = "_compacted";

/// Reports of the gates before anything is removed, by node.
std::map<std::int32_t, GateCompaction> untouched(const Architecture& architecture,
                                                 const std::vector<std::vector<bool>>& inactive) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  const std::vector<std::int32_t> gates = architecture.gates();
  if (gates.empty()) {
    fail(ErrorCode::invalid_argument, "network '", architecture.model,
         "' is dense: without gates there are no experts to remove");
  }
  if (inactive.size() != gates.size()) {
    fail(ErrorCode::invalid_argument, "there are flags for ", inactive.size(), " gates, but network '",
         architecture.model, "' has ", gates.size());
  }
  std::map<std::int32_t, GateCompaction> reports;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const auto node = static_cast<std::size_t>(gates[i]);
    GateCompaction& report = reports[gates[i]];
    report.name = architecture.nodes[node].name;
    report.experts = report.kept = shapes[node].channels;
    report.inactive = std::count(inactive[i].begin(), inactive[i].end(), true);
    if (static_cast<std::int64_t>(inactive[i].size()) != report.experts) {
      fail(ErrorCode::invalid_argument, "there are flags for ", inactive[i].size(), " experts of gate '",
           report.name, "', which has ", report.experts);
    }
  }
  return reports;
}

}  // namespace

CompactedNetwork compact(const Architecture& architecture, const std::vector<SharedTensor>& state,
                         const std::vector<std::vector<bool>>& inactive) {
  std::map<std::int32_t, GateCompaction> reports = untouched(architecture, inactive);
  std::map<std::int32_t, std::vector<bool>> flags;
  for (const std::vector<bool>& gate : inactive) flags.emplace(architecture.gates()[flags.size()], gate);

  CompactedNetwork compacted;
  compacted.architecture = architecture;
  Weights weights(architecture, state);
  bool smaller = false;
  for (const ChannelGroup& group : find_channel_groups(architecture)) {
    std::map<std::int32_t, std::vector<bool>> own;
    for (const std::int32_t member : group.members) {
      if (const auto found = flags.find(member); found != flags.end()) own.insert(*found);
    }
    GroupCompaction result;
    if (group.pinned.empty()) result = compact_group(compacted.architecture, weights, group, own);
    for (const auto& [node, ignored] : own) {
      GateCompaction& report = reports.at(node);
      if (group.pinned.empty()) {
        smaller = smaller || result.kept < group.channels;
        report.kept = result.kept;
        report.silent = result.silent;
        if (report.inactive > 0) report.reason = result.reason;
      } else if (report.inactive > 0) {
        report.reason = group.pinned;
      }
    }
  }
  if (smaller && !architecture.model.ends_with(name_ending)) compacted.architecture.model += name_ending;
  validate(compacted.architecture);
  compacted.state = std::move(weights).state(compacted.architecture);
  for (const std::int32_t gate : architecture.gates()) {
    compacted.gates.push_back(std::move(reports.at(gate)));
  }
  return compacted;
}

}  // namespace deepmoe
