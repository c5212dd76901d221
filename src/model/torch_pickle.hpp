#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.hpp"

namespace deepmoe {

/// A value of a decoded checkpoint, by its position in the document.
using TorchId = std::uint32_t;

struct TorchNode {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    sequence,      ///< a list or a tuple: `items`
    dictionary,    ///< `items`: key, value, key, value, ...
    rebuild,       ///< torch._utils._rebuild_tensor_v2
    parameter,     ///< torch._utils._rebuild_parameter
    ordered_dict,  ///< the class
    size,          ///< the class torch.Size
    type_tag,      ///< restore_type_tag of torch.jit._pickle, with which C++ says what a container holds
    storage_type,  ///< a class such as torch.FloatStorage: `type`
    storage,       ///< `text` is its key, `integer` its elements, `type` theirs
    tensor,        ///< `items`: storage, shape, strides; `integer` is its offset in the storage
  };
  Kind kind = Kind::none;
  DataType type = DataType::f32;
  std::int64_t integer = 0;
  std::string_view text;
  std::vector<TorchId> items;
};

/// What torch.save pickled, as data: dictionaries, lists, numbers, texts and tensors that name their storage.
/// LibTorch's own unpickler cannot be used for files of others: it does not read OrderedDict, which every
/// state_dict is, and trusts the opcodes. Here nothing is ever called; every other global and every other
/// opcode is refused by name, and memory stays in proportion to the pickle.
class TorchDocument {
 public:
  using Kind = TorchNode::Kind;

  /// Decodes the pickle at the beginning of `bytes`, which must live as long. `name` is the file's, for
  /// messages. Errors: format.
  TorchDocument(std::string_view bytes, std::string name);

  const TorchNode& root() const { return nodes_[root_]; }
  const TorchNode& node(TorchId id) const { return nodes_[id]; }
  std::size_t node_count() const { return nodes_.size(); }
  /// How many bytes the pickle has.
  std::size_t size() const { return size_; }
  /// The value of a text key of a dictionary (the last one), or nullptr.
  const TorchNode* find(const TorchNode& dictionary, std::string_view key) const;

 private:
  friend class TorchDecoder;
  std::string name_;
  std::vector<TorchNode> nodes_;
  TorchId root_ = 0;
  std::size_t size_ = 0;
};

}  // namespace deepmoe
