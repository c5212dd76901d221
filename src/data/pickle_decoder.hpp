#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.hpp"
#include "data/pickle.hpp"

namespace deepmoe {

/// The stack machine that reads a pickle's opcodes into a PickleDocument.
class PickleDecoder {
 public:
  explicit PickleDecoder(PickleDocument& document) : document_(document), bytes_(document.bytes_) {}

  void decode();

 private:
  using Kind = PickleNode::Kind;

  /// What may be called, and what of it means.
  enum Global : std::int64_t { reconstruct, ndarray, data_type, encode, bytes_type };

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(ErrorCode::format, document_.name_, ": not a pickle as CIFAR's, at byte ", opcode_position_, ": ",
         parts...);
  }

  // Reading bytes.
  std::uint8_t byte();
  std::string_view take(std::uint64_t count);
  std::string_view line();
  std::uint64_t little_endian(std::size_t count);
  std::int64_t line_integer();

  // The stack and the memo.
  PickleNode& node(PickleId id) { return document_.nodes_[id]; }
  PickleId make(Kind kind);
  void push(PickleId id) { stack_.push_back(id); }
  PickleId push_new(Kind kind);
  void push_integer(std::int64_t value);
  void push_boolean(bool value);
  void push_text(std::string_view text) { node(push_new(Kind::text)).text = text; }
  PickleId pop();
  PickleId top() const;
  std::vector<PickleId> pop_to_mark();
  void remember(std::uint64_t key);
  void recall(std::uint64_t key);

  // Opcodes with some work to do.
  void step(std::uint8_t opcode);
  void push_long();
  void push_quoted();
  void push_tuple(std::size_t count);
  void append(const std::vector<PickleId>& items, Kind container);
  void push_global();
  void reduce();
  void reduce_encode(const std::vector<PickleId>& arguments);
  void build();
  void build_data_type(const PickleNode& state);
  void build_array(PickleNode& array, const PickleNode& state);

  PickleDocument& document_;
  const std::string_view bytes_;
  std::size_t position_ = 0, opcode_position_ = 0;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, PickleId> memo_;
  std::size_t recoded_bytes_ = 0;
};

}  // namespace deepmoe
