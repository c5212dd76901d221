#include "data/pickle.hpp"

#include <utility>

#include "base/base.hpp"
#include "data/pickle_decoder.hpp"

namespace deepmoe {

PickleDocument::PickleDocument(std::string bytes, const std::string& name)
    : bytes_(std::move(bytes)), name_(name) {
  PickleDecoder(*this).decode();
}

const PickleNode* PickleDocument::find(const PickleNode& dictionary, std::string_view key) const {
  if (dictionary.kind != PickleNode::Kind::dictionary) return nullptr;
  for (std::size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
    const PickleNode& candidate = node(dictionary.items[i]);
    if (candidate.kind == PickleNode::Kind::text && candidate.text == key)
      return &node(dictionary.items[i + 1]);
  }
  return nullptr;
}

std::vector<std::int64_t> PickleDocument::integers(const PickleNode& list, std::string_view what) const {
  if (list.kind != PickleNode::Kind::list) fail(ErrorCode::format, name_, ": ", what, " is not a list");
  std::vector<std::int64_t> values;
  values.reserve(list.items.size());
  for (const PickleId id : list.items) {
    if (node(id).kind != PickleNode::Kind::integer) {
      fail(ErrorCode::format, name_, ": ", what, " holds something other than integers");
    }
    values.push_back(node(id).integer);
  }
  return values;
}

std::vector<std::string> PickleDocument::texts(const PickleNode& list, std::string_view what) const {
  if (list.kind != PickleNode::Kind::list) fail(ErrorCode::format, name_, ": ", what, " is not a list");
  std::vector<std::string> values;
  values.reserve(list.items.size());
  for (const PickleId id : list.items) {
    if (node(id).kind != PickleNode::Kind::text) {
      fail(ErrorCode::format, name_, ": ", what, " holds something other than strings");
    }
    values.emplace_back(node(id).text);
  }
  return values;
}

std::vector<std::int64_t> PickleDocument::shape(const PickleNode& array) const {
  std::vector<std::int64_t> extents;
  for (const PickleId id : array.items) extents.push_back(node(id).integer);
  return extents;
}

}  // namespace deepmoe
