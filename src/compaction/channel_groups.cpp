#include "compaction/channel_groups.hpp"

#include <algorithm>

#include "base/base.hpp"

namespace deepmoe {
namespace {

template <class Op>
bool is(const Node& node) {
  return std::holds_alternative<Op>(node.operation);
}

class GroupFinder {
 public:
  explicit GroupFinder(const Architecture& architecture)
      : architecture_(architecture), shapes_(infer_shapes(architecture)) {}

  std::vector<ChannelGroup> find() {
    for (std::size_t i = 0; i < architecture_.nodes.size(); ++i) place(static_cast<std::int32_t>(i));
    for (const std::int32_t output :
         {architecture_.logits, architecture_.embedding, architecture_.embedding_logits}) {
      if (output >= 0) pin(group_of(output), "they are an output of the network");
    }
    std::erase_if(groups_, [&](const ChannelGroup& group) {
      return std::none_of(group.members.begin(), group.members.end(), [&](std::int32_t member) {
        return is<Gate>(architecture_.nodes[static_cast<std::size_t>(member)]);
      });
    });
    return std::move(groups_);
  }

 private:
  ChannelGroup& group_of(std::int32_t node) { return groups_[positions_[static_cast<std::size_t>(node)]]; }
  std::int64_t channels(std::int32_t node) const { return shapes_[static_cast<std::size_t>(node)].channels; }

  static void pin(ChannelGroup& group, const std::string& reason) {
    if (group.pinned.empty()) group.pinned = reason;
  }

  void place(std::int32_t index) {
    const Node& node = architecture_.nodes[static_cast<std::size_t>(index)];
    if (is<Convolution>(node) || is<Linear>(node)) {
      ChannelGroup& read = group_of(node.inputs[0]);
      read.readers.push_back({index, node.inputs[0], channels(node.inputs[0]) / read.channels});
      start(index);
    } else if (is<Input>(node)) {
      start(index);
      pin(groups_.back(), "they are channels of the image");
    } else if (is<Add>(node)) {
      const std::string reason = concat("the residual stream has their channels (", node.name, ")");
      for (const std::int32_t input : node.inputs) pin(group_of(input), reason);
      start(index);
      pin(groups_.back(), reason);
    } else {
      ChannelGroup& group = group_of(node.inputs[0]);
      const bool own_parameters = is<Gate>(node) || is<BatchNorm>(node);
      if (own_parameters && channels(index) != group.channels) {
        pin(group, concat("node '", node.name, "' works on single pixels of a channel"));
      }
      positions_.push_back(positions_[static_cast<std::size_t>(node.inputs[0])]);
      group.members.push_back(index);
    }
  }

  void start(std::int32_t index) {
    positions_.push_back(groups_.size());
    ChannelGroup& group = groups_.emplace_back();
    group.producer = index;
    group.channels = channels(index);
    group.members = {index};
  }

  const Architecture& architecture_;
  const std::vector<Shape> shapes_;
  std::vector<ChannelGroup> groups_;
  std::vector<std::size_t> positions_;  // of each node's group
};

}  // namespace

std::vector<ChannelGroup> find_channel_groups(const Architecture& architecture) {
  return GroupFinder(architecture).find();
}

}  // namespace deepmoe
