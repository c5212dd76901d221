#include "model/torch_pickle.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/base.hpp"

namespace deepmoe {
namespace {

struct StorageType {
  std::string_view name;
  DataType type;
};
constexpr std::array<StorageType, 10> storage_types = {{{"FloatStorage", DataType::f32},
                                                        {"DoubleStorage", DataType::f64},
                                                        {"HalfStorage", DataType::f16},
                                                        {"BFloat16Storage", DataType::bf16},
                                                        {"LongStorage", DataType::i64},
                                                        {"IntStorage", DataType::i32},
                                                        {"ShortStorage", DataType::i16},
                                                        {"CharStorage", DataType::i8},
                                                        {"ByteStorage", DataType::u8},
                                                        {"BoolStorage", DataType::boolean}}};

/// Text of the file as it may stand in a message.
std::string shown(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string copy(text.substr(0, longest));
  for (char& c : copy) {
    if (c < ' ' || c > '~') c = '?';
  }
  return copy + (text.size() > longest ? "..." : "");
}

}  // namespace

/// The stack machine that reads opcodes.
class TorchDecoder {
 public:
  using Kind = TorchNode::Kind;
  TorchDecoder(TorchDocument& document, std::string_view bytes) : document_(document), bytes_(bytes) {}

  void decode() {
    while (true) {
      opcode_position_ = position_;
      const std::uint8_t opcode = byte();
      if (opcode == '.') break;
      step(opcode);
    }
    document_.root_ = pop();
    if (!stack_.empty() || !marks_.empty()) refuse("it ends with values that belong to nothing");
    document_.size_ = position_;
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(ErrorCode::format, document_.name_, ": its pickle is damaged or not PyTorch's, at byte ",
         opcode_position_, ": ", parts...);
  }
  [[noreturn]] void refuse_object(std::string_view module, std::string_view name) const {
    fail(ErrorCode::format, document_.name_, ": holds the Python object '", shown(module), ".", shown(name),
         "', and only tensors in dictionaries are read, never code; in Python, save the tensors alone: "
         "torch.save(model.state_dict(), ...)");
  }

  // Reading bytes.

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - position_) refuse("it is cut short");
    const std::string_view taken = bytes_.substr(position_, count);
    position_ += count;
    return taken;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(take(1)[0]); }
  std::uint64_t little_endian(std::size_t count) {
    std::uint64_t value = 0;
    const std::string_view digits = take(count);
    for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(digits[i]);
    return value;
  }
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) refuse("a line has no end");
    const std::string_view text = take(end - position_);
    take(1);
    return text;
  }

  // The stack and the memo.

  TorchNode& node(TorchId id) { return document_.nodes_[id]; }
  TorchNode& push_new(Kind kind) {
    stack_.push_back(static_cast<TorchId>(document_.nodes_.size()));
    document_.nodes_.emplace_back().kind = kind;
    return document_.nodes_.back();
  }
  /// Values above the last mark may be taken only by what takes the mark too.
  TorchId pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("a value is missing");
    const TorchId id = stack_.back();
    stack_.pop_back();
    return id;
  }
  TorchId top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("a value is missing");
    return stack_.back();
  }
  std::vector<TorchId> pop_to_mark() {
    if (marks_.empty()) refuse("a mark is missing");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<TorchId> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<TorchId> pop_last(std::size_t count) {
    std::vector<TorchId> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }
  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse("it refers to value ", key, ", which it has not given");
    stack_.push_back(found->second);
  }

  // Opcodes.

  void step(std::uint8_t opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        if (const std::uint8_t protocol = byte(); protocol < 2 || protocol > 5) {
          refuse("it has protocol ", int(protocol), ", not 2 to 5");
        }
        break;
      case 0x95:
        take(8);
        break;  // FRAME
      case '(':
        marks_.push_back(stack_.size());
        break;
      case 'N':
        push_new(Kind::none);
        break;
      case 0x88:
        push_new(Kind::boolean).integer = 1;
        break;
      case 0x89:
        push_new(Kind::boolean);
        break;
      case 'J':
        push_integer(std::bit_cast<std::int32_t>(static_cast<std::uint32_t>(little_endian(4))));
        break;
      case 'K':
        push_integer(byte());
        break;
      case 'M':
        push_integer(static_cast<std::int64_t>(little_endian(2)));
        break;
      case 0x8a:
        push_long();
        break;
      case 'G':
        take(8), push_new(Kind::real);
        break;
      case 'X':
      case 'T':
        push_text(little_endian(4));
        break;
      case 0x8c:
      case 'U':
        push_text(byte());
        break;
      case 0x8d:
        push_text(little_endian(8));
        break;
      case ')':
      case ']':
        push_new(Kind::sequence);
        break;
      case '}':
        push_new(Kind::dictionary);
        break;
      case 't':
        push_sequence(pop_to_mark());
        break;
      case 0x85:
      case 0x86:
      case 0x87:
        push_sequence(pop_last(opcode - 0x84U));
        break;
      case 'a':
        append(pop_last(1), Kind::sequence);
        break;
      case 'e':
        append(pop_to_mark(), Kind::sequence);
        break;
      case 's':
        append(pop_last(2), Kind::dictionary);
        break;
      case 'u':
        append(pop_to_mark(), Kind::dictionary);
        break;
      case 'q':
        memo_[byte()] = top();
        break;
      case 'r':
        memo_[little_endian(4)] = top();
        break;
      case 0x94:
        memo_.emplace(memo_.size(), top());
        break;  // MEMOIZE
      case 'h':
        recall(byte());
        break;
      case 'j':
        recall(little_endian(4));
        break;
      case 'c': {
        const std::string_view module = line();
        push_global(module, line());
        break;
      }
      case 0x93:
        push_stack_global();
        break;
      case 'Q':
        push_storage();
        break;
      case 'R':
        reduce();
        break;
      case 'b':
        build();
        break;
      default:
        refuse("opcode ", int(opcode), " is none that torch.save needs for tensors");
    }
  }

  void push_integer(std::int64_t value) { push_new(Kind::integer).integer = value; }
  void push_text(std::uint64_t size) {
    const std::string_view text = take(size);
    push_new(Kind::text).text = text;
  }
  void push_sequence(std::vector<TorchId> items) { push_new(Kind::sequence).items = std::move(items); }

  /// A number beyond 64 bits is nothing that a tensor needs, but an entry beside the tensors may have one.
  void push_long() {
    const std::size_t size = byte();
    if (size > 8) {
      take(size);
      push_new(Kind::real);
      return;
    }
    std::uint64_t value = little_endian(size);
    const unsigned bits = static_cast<unsigned>(8 * size);
    if (size > 0 && size < 8 && (value >> (bits - 1) & 1) != 0) value |= ~std::uint64_t{0} << bits;
    push_integer(std::bit_cast<std::int64_t>(value));
  }

  void append(const std::vector<TorchId>& items, Kind container) {
    TorchNode& target = node(top());
    if (target.kind != container) refuse("it adds to something that is no container");
    if (container == Kind::dictionary && items.size() % 2 != 0) refuse("a key has no value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void push_global(std::string_view module, std::string_view name) {
    if (module == "collections" && name == "OrderedDict") {
      push_new(Kind::ordered_dict);
    } else if (module == "torch._utils" && name == "_rebuild_tensor_v2") {
      push_new(Kind::rebuild);
    } else if (module == "torch._utils" && name == "_rebuild_parameter") {
      push_new(Kind::parameter);
    } else if (module == "torch" && name == "Size") {
      push_new(Kind::size);
    } else if (module == "torch.jit._pickle" && name == "restore_type_tag") {
      push_new(Kind::type_tag);
    } else {
      for (const StorageType& storage : storage_types) {
        if (module != "torch" || name != storage.name) continue;
        push_new(Kind::storage_type).type = storage.type;
        return;
      }
      refuse_object(module, name);
    }
  }

  void push_stack_global() {
    const std::vector<TorchId> names = pop_last(2);
    if (node(names[0]).kind != Kind::text || node(names[1]).kind != Kind::text) {
      refuse("the name of an object is no text");
    }
    push_global(node(names[0]).text, node(names[1]).text);
  }

  /// ("storage", class, key, location, elements[, view])
  void push_storage() {
    const TorchNode description = node(pop());
    const auto item = [&](std::size_t i) -> const TorchNode& { return node(description.items[i]); };
    if (description.kind != Kind::sequence || description.items.size() < 5 || description.items.size() > 6 ||
        item(0).kind != Kind::text || item(0).text != "storage" || item(1).kind != Kind::storage_type ||
        item(2).kind != Kind::text || item(4).kind != Kind::integer || item(4).integer < 0 ||
        (description.items.size() == 6 && item(5).kind != Kind::none)) {
      refuse("a storage is not described as torch.save does");
    }
    const std::string_view key = item(2).text;
    const std::int64_t elements = item(4).integer;
    const DataType type = item(1).type;
    TorchNode& storage = push_new(Kind::storage);
    storage.text = key;
    storage.integer = elements;
    storage.type = type;
  }

  void reduce() {
    const TorchId arguments_id = pop();
    const Kind function = node(pop()).kind;
    if (node(arguments_id).kind != Kind::sequence) refuse("the arguments of a call are no tuple");
    const std::vector<TorchId> arguments = node(arguments_id).items;
    if (function == Kind::ordered_dict && arguments.empty()) {
      push_new(Kind::dictionary);
    } else if (function == Kind::rebuild) {
      push_tensor(arguments);
    } else if (function == Kind::parameter) {
      if (arguments.empty() || node(arguments[0]).kind != Kind::tensor) refuse("a parameter holds no tensor");
      stack_.push_back(arguments[0]);
    } else if (function == Kind::type_tag && arguments.size() == 2) {
      stack_.push_back(arguments[0]);
    } else if (function == Kind::size && arguments.size() == 1 && node(arguments[0]).kind == Kind::sequence) {
      stack_.push_back(arguments[0]);
    } else {
      refuse("it calls something that only has data");
    }
  }

  /// (storage, offset, shape, strides, requires_grad, hooks[, metadata])
  void push_tensor(const std::vector<TorchId>& arguments) {
    if (arguments.size() < 6 || arguments.size() > 7 || node(arguments[0]).kind != Kind::storage ||
        node(arguments[1]).kind != Kind::integer || !holds_integers(arguments[2]) ||
        !holds_integers(arguments[3])) {
      refuse("a tensor is not described as torch.save does");
    }
    const std::int64_t offset = node(arguments[1]).integer;
    TorchNode& tensor = push_new(Kind::tensor);
    tensor.items = {arguments[0], arguments[2], arguments[3]};
    tensor.integer = offset;
  }

  bool holds_integers(TorchId id) {
    if (node(id).kind != Kind::sequence) return false;
    for (const TorchId item : node(id).items) {
      if (node(item).kind != Kind::integer) return false;
    }
    return true;
  }

  /// The attributes of an OrderedDict (a state_dict has `_metadata`) say nothing about its tensors.
  void build() {
    pop();
    if (node(top()).kind != Kind::dictionary) refuse("it sets attributes of something that has none");
  }

  TorchDocument& document_;
  const std::string_view bytes_;
  std::size_t position_ = 0, opcode_position_ = 0;
  std::vector<TorchId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, TorchId> memo_;
};

TorchDocument::TorchDocument(std::string_view bytes, std::string name) : name_(std::move(name)) {
  TorchDecoder(*this, bytes).decode();
}

const TorchNode* TorchDocument::find(const TorchNode& dictionary, std::string_view key) const {
  if (dictionary.kind != Kind::dictionary) return nullptr;
  for (std::size_t i = dictionary.items.size(); i >= 2; i -= 2) {
    const TorchNode& candidate = node(dictionary.items[i - 2]);
    if (candidate.kind == Kind::text && candidate.text == key) return &node(dictionary.items[i - 1]);
  }
  return nullptr;
}

}  // namespace deepmoe
