#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace deepmoe {

/// A value of a decoded pickle, by its position in the document.
using PickleId = std::uint32_t;

struct PickleNode {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    text,        ///< a string or bytes
    list,        ///< `items`
    tuple,       ///< `items`
    dictionary,  ///< `items`: key, value, key, value, ...
    global,      ///< one of the few names that may be called
    data_type,   ///< numpy's uint8
    array,       ///< numpy's ndarray of uint8: `items` is its shape once it is built
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;  ///< also boolean's 0 or 1, and which global
  std::string_view text;     ///< also an array's bytes
  std::vector<PickleId> items;
};

/// A pickle as data: what the files of CIFAR need (protocol 2, dictionaries, lists, tuples, strings, integers
/// and numpy arrays of bytes; also the text opcodes that batches.meta is written with), and nothing else.
/// Every other opcode and every other global is refused by name, so nothing is ever executed, and memory
/// stays in proportion to the file.
class PickleDocument {
 public:
  /// Decodes `bytes`, which it keeps: texts and arrays are views into them. `name` is for messages. Errors:
  /// format.
  PickleDocument(std::string bytes, const std::string& name);
  PickleDocument(const PickleDocument&) = delete;
  PickleDocument& operator=(const PickleDocument&) = delete;

  const PickleNode& root() const { return nodes_[root_]; }
  const PickleNode& node(PickleId id) const { return nodes_[id]; }

  /// The value of `key` in a dictionary, or nullptr when it has none (or is no dictionary).
  const PickleNode* find(const PickleNode& dictionary, std::string_view key) const;

  /// The elements of a list of integers, or of texts. Errors: format naming the file and `what`.
  std::vector<std::int64_t> integers(const PickleNode& list, std::string_view what) const;
  std::vector<std::string> texts(const PickleNode& list, std::string_view what) const;

  /// The shape of an array, whose product equals the size of its text.
  std::vector<std::int64_t> shape(const PickleNode& array) const;

 private:
  friend class PickleDecoder;

  std::string bytes_, name_;
  std::vector<std::unique_ptr<const std::string>> recoded_;  ///< bytes that the file stores as Latin-1 text
  std::vector<PickleNode> nodes_;
  PickleId root_ = 0;
};

}  // namespace deepmoe
