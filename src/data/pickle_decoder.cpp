#include "data/pickle_decoder.hpp"

#include <charconv>
#include <iterator>
#include <limits>
#include <utility>

namespace deepmoe {
namespace {

/// CIFAR's largest file has some 250,000 values; a hostile one could have one for each byte.
constexpr std::size_t kMostValues = std::size_t{1} << 22;

}  // namespace

std::uint8_t PickleDecoder::byte() { return static_cast<std::uint8_t>(take(1)[0]); }

std::string_view PickleDecoder::take(std::uint64_t count) {
  if (count > bytes_.size() - position_) refuse("the file ends early");
  const std::string_view taken = bytes_.substr(position_, static_cast<std::size_t>(count));
  position_ += taken.size();
  return taken;
}

std::string_view PickleDecoder::line() {
  const std::size_t end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) refuse("the file ends early");
  const std::string_view taken = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return taken;
}

std::uint64_t PickleDecoder::little_endian(std::size_t count) {
  const std::string_view taken = take(count);
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(taken[i]);
  return value;
}

std::int64_t PickleDecoder::line_integer() {
  const std::string_view text = line();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    refuse("a number is not a number");
  return value;
}

PickleId PickleDecoder::make(Kind kind) {
  if (document_.nodes_.size() >= kMostValues) refuse("more than ", kMostValues, " values");
  document_.nodes_.emplace_back().kind = kind;
  return static_cast<PickleId>(document_.nodes_.size() - 1);
}

PickleId PickleDecoder::push_new(Kind kind) {
  const PickleId id = make(kind);
  push(id);
  return id;
}

void PickleDecoder::push_integer(std::int64_t value) { node(push_new(Kind::integer)).integer = value; }

void PickleDecoder::push_boolean(bool value) { node(push_new(Kind::boolean)).integer = value ? 1 : 0; }

PickleId PickleDecoder::top() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("an opcode finds nothing on the stack");
  return stack_.back();
}

PickleId PickleDecoder::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> PickleDecoder::pop_to_mark() {
  if (marks_.empty()) refuse("an opcode finds no mark on the stack");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleId> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleDecoder::remember(std::uint64_t key) {
  if (memo_.size() >= kMostValues) refuse("more than ", kMostValues, " values");
  memo_[key] = top();
}

void PickleDecoder::recall(std::uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) refuse("reference to unknown value ", key);
  if (stack_.size() >= kMostValues) refuse("more than ", kMostValues, " values");
  push(found->second);
}

void PickleDecoder::push_long() {
  const std::uint8_t count = byte();
  if (count > 8) refuse("an integer of ", int{count}, " bytes");
  std::uint64_t value = little_endian(count);
  if (count > 0 && count < 8 && (value >> (8 * count - 1) & 1) != 0) value -= std::uint64_t{1} << (8 * count);
  push_integer(static_cast<std::int64_t>(value));
}

/// A string in quotes as Python writes it, where nothing needs an escape.
void PickleDecoder::push_quoted() {
  const std::string_view text = line();
  const bool quoted =
      text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
  if (!quoted || text.find('\\') != std::string_view::npos)
    refuse("a quoted string with escapes or without its quotes");
  push_text(text.substr(1, text.size() - 2));
}

void PickleDecoder::push_tuple(std::size_t count) {
  std::vector<PickleId> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  node(push_new(Kind::tuple)).items = std::move(items);
}

void PickleDecoder::append(const std::vector<PickleId>& items, Kind container) {
  PickleNode& target = node(top());
  if (target.kind != container)
    refuse(container == Kind::list ? "appends to no list" : "sets items of no dictionary");
  if (container == Kind::dictionary && items.size() % 2 != 0) refuse("a key without a value");
  // The same values may be appended over and over: what they add up to is bounded too.
  if (items.size() > kMostValues - target.items.size()) refuse("more than ", kMostValues, " values");
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleDecoder::push_global() {
  const std::string module(line()), name(line());
  static const std::map<std::string, Global, std::less<>> allowed = {
      {"numpy.core.multiarray _reconstruct", reconstruct},
      {"numpy._core.multiarray _reconstruct", reconstruct},
      {"numpy ndarray", ndarray},
      {"numpy dtype", data_type},
      {"_codecs encode", encode},
      {"__builtin__ bytes", bytes_type},
  };
  const auto found = allowed.find(module + " " + name);
  if (found == allowed.end()) refuse("global '", module, ".", name, "' is not allowed");
  node(push_new(Kind::global)).integer = found->second;
}

void PickleDecoder::reduce_encode(const std::vector<PickleId>& arguments) {
  // Python 3 writes bytes as Latin-1 text that is to be encoded.
  const bool texts = arguments.size() == 2 && node(arguments[0]).kind == Kind::text &&
                     node(arguments[1]).kind == Kind::text && node(arguments[1]).text == "latin1";
  if (!texts) refuse("_codecs.encode of something other than Latin-1 text");
  const std::string_view encoded = node(arguments[0]).text;
  std::string decoded;
  decoded.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const unsigned lead = static_cast<std::uint8_t>(encoded[i]);
    if (lead < 0x80) {
      decoded.push_back(encoded[i]);
      continue;
    }
    const unsigned next = i + 1 < encoded.size() ? static_cast<std::uint8_t>(encoded[i + 1]) : 0;
    if ((lead != 0xC2 && lead != 0xC3) || (next & 0xC0U) != 0x80) refuse("text that is not Latin-1 in UTF-8");
    decoded.push_back(static_cast<char>(((lead & 3U) << 6) | (next & 0x3FU)));
    ++i;
  }
  // Re-encoding one text over and over must not multiply it.
  recoded_bytes_ += decoded.size();
  if (recoded_bytes_ > bytes_.size()) refuse("texts are encoded more than once");
  document_.recoded_.push_back(std::make_unique<const std::string>(std::move(decoded)));
  push_text(*document_.recoded_.back());
}

void PickleDecoder::reduce() {
  const PickleId arguments_id = pop(), callee_id = pop();
  if (node(arguments_id).kind != Kind::tuple || node(callee_id).kind != Kind::global) {
    refuse("a call of something other than a known function");
  }
  // None of the functions takes more. A copy, since a new value may move the old ones.
  if (node(arguments_id).items.size() > 3)
    refuse("a call with ", node(arguments_id).items.size(), " arguments");
  const std::vector<PickleId> arguments = node(arguments_id).items;
  switch (static_cast<Global>(node(callee_id).integer)) {
    case reconstruct: {
      const bool array = !arguments.empty() && node(arguments[0]).kind == Kind::global &&
                         node(arguments[0]).integer == ndarray;
      if (!array) refuse("numpy reconstructs something other than an ndarray");
      push_new(Kind::array);
      return;
    }
    case data_type: {
      const bool bytes =
          !arguments.empty() && node(arguments[0]).kind == Kind::text && node(arguments[0]).text == "u1";
      if (!bytes) refuse("a numpy array of something other than uint8 (u1)");
      push_new(Kind::data_type);
      return;
    }
    case encode:
      return reduce_encode(arguments);
    case bytes_type:
      if (!arguments.empty()) refuse("bytes() with arguments");
      return push_text("");
    case ndarray:
      refuse("a call of numpy.ndarray");
  }
}

void PickleDecoder::build_data_type(const PickleNode& state) {
  // (version, byte order, ...): a single byte has no order, and sub-arrays, fields and metadata are None.
  for (std::size_t i = 2; i < state.items.size() && i < 5; ++i) {
    if (node(state.items[i]).kind != Kind::none) refuse("a numpy type with fields");
  }
}

void PickleDecoder::build_array(PickleNode& array, const PickleNode& state) {
  // (version, shape, type, is Fortran order, bytes)
  if (state.items.size() != 5) refuse("a numpy array with ", state.items.size(), " parts instead of 5");
  const PickleNode &shape = node(state.items[1]), &type = node(state.items[2]),
                   &fortran = node(state.items[3]), &content = node(state.items[4]);
  if (shape.kind != Kind::tuple || shape.items.empty() || shape.items.size() > 8) {
    refuse("a numpy array without a shape of 1 to 8 extents");
  }
  if (type.kind != Kind::data_type) refuse("a numpy array of something other than uint8 (u1)");
  if (fortran.kind != Kind::boolean && fortran.kind != Kind::integer)
    refuse("a numpy array without an order");
  if (fortran.integer != 0) refuse("a numpy array in Fortran order");
  if (content.kind != Kind::text) refuse("a numpy array without its bytes");
  std::uint64_t elements = 1;
  for (const PickleId id : shape.items) {
    const PickleNode& extent = node(id);
    if (extent.kind != Kind::integer || extent.integer < 0) refuse("a numpy array with a broken shape");
    const auto factor = static_cast<std::uint64_t>(extent.integer);
    if (factor != 0 && elements > content.text.size() / factor) refuse("a numpy array larger than its bytes");
    elements *= factor;
  }
  if (elements != content.text.size()) {
    refuse("a numpy array of ", elements, " elements with ", content.text.size(), " bytes");
  }
  array.items = shape.items;
  array.text = content.text;
}

void PickleDecoder::build() {
  const PickleId state = pop();
  PickleNode& target = node(top());
  if (node(state).kind != Kind::tuple) refuse("a state that is not a tuple");
  if (target.kind == Kind::data_type) {
    build_data_type(node(state));
  } else if (target.kind == Kind::array) {
    build_array(target, node(state));
  } else {
    refuse("a state for something other than a numpy array");
  }
}

void PickleDecoder::step(std::uint8_t opcode) {
  switch (opcode) {
    case 0x80: {  // PROTO
      const std::uint8_t protocol = byte();
      if (protocol > 2) refuse("pickle protocol ", int{protocol}, "; write the file with protocol 2");
      return;
    }
    case '(':
      return marks_.push_back(stack_.size());  // MARK
    case '0':
      return void(pop());  // POP
    case 'N':
      return void(push_new(Kind::none));  // NONE
    case 0x88:
      return push_boolean(true);  // NEWTRUE
    case 0x89:
      return push_boolean(false);  // NEWFALSE
    case 'K':
      return push_integer(static_cast<std::int64_t>(little_endian(1)));  // BININT1
    case 'M':
      return push_integer(static_cast<std::int64_t>(little_endian(2)));  // BININT2
    case 'J':
      return push_integer(static_cast<std::int32_t>(little_endian(4)));  // BININT
    case 'I':
      return push_integer(line_integer());  // INT
    case 0x8a:
      return push_long();  // LONG1
    case 'U':
      return push_text(take(little_endian(1)));  // SHORT_BINSTRING
    case 'T':
      return push_text(take(little_endian(4)));  // BINSTRING
    case 'X':
      return push_text(take(little_endian(4)));  // BINUNICODE
    case 'S':
      return push_quoted();  // STRING
    case ')':
      return push_tuple(0);  // EMPTY_TUPLE
    case 0x85:
      return push_tuple(1);  // TUPLE1
    case 0x86:
      return push_tuple(2);  // TUPLE2
    case 0x87:
      return push_tuple(3);  // TUPLE3
    case ']':
      return void(push_new(Kind::list));  // EMPTY_LIST
    case '}':
      return void(push_new(Kind::dictionary));  // EMPTY_DICT
    case 'q':
      return remember(little_endian(1));  // BINPUT
    case 'r':
      return remember(little_endian(4));  // LONG_BINPUT
    case 'p':
      return remember(static_cast<std::uint64_t>(line_integer()));  // PUT
    case 'h':
      return recall(little_endian(1));  // BINGET
    case 'j':
      return recall(little_endian(4));  // LONG_BINGET
    case 'g':
      return recall(static_cast<std::uint64_t>(line_integer()));  // GET
    case 'a': {                                                   // APPEND
      const PickleId item = pop();
      return append({item}, Kind::list);
    }
    case 'e':
      return append(pop_to_mark(), Kind::list);  // APPENDS
    case 's': {                                  // SETITEM
      const PickleId value = pop(), key = pop();
      return append({key, value}, Kind::dictionary);
    }
    case 'u':
      return append(pop_to_mark(), Kind::dictionary);  // SETITEMS
    case 't':
    case 'l':
    case 'd': {  // TUPLE, LIST, DICT
      std::vector<PickleId> items = pop_to_mark();
      if (opcode == 'd' && items.size() % 2 != 0) refuse("a key without a value");
      node(push_new(opcode == 't'   ? Kind::tuple
                    : opcode == 'l' ? Kind::list
                                    : Kind::dictionary))
          .items = std::move(items);
      return;
    }
    case 'c':
      return push_global();  // GLOBAL
    case 'R':
      return reduce();  // REDUCE
    case 'b':
      return build();  // BUILD
    default:
      refuse("opcode ", int{opcode}, " is not allowed");
  }
}

void PickleDecoder::decode() {
  while (true) {
    opcode_position_ = position_;
    const std::uint8_t opcode = byte();
    if (opcode == '.') break;  // STOP
    step(opcode);
  }
  document_.root_ = pop();
}

}  // namespace deepmoe
