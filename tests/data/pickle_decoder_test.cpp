#include "data/pickle_decoder.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "base/require_error.hpp"
#include "data/pickled_batches.hpp"
#include "data/random.hpp"

using namespace deepmoe;

namespace {

void refused(const std::string& bytes, const std::vector<std::string>& parts) {
  std::vector<std::string> all = parts;
  all.push_back("hostile.bin");
  require_error(ErrorCode::format, all, [&] { PickleDocument(bytes, "hostile.bin"); });
}

}  // namespace

TEST_CASE("integers of every opcode have their values") {
  const auto value = [](const std::string& opcodes) {
    const PickleDocument document(pickled::file(opcodes), "a file");
    CHECK(document.root().kind == PickleNode::Kind::integer);
    return document.root().integer;
  };
  CHECK(value("K\xFF") == 255);
  CHECK(value("M\xFF\xFF") == 65535);
  CHECK(value("J\xFF\xFF\xFF\xFF") == -1);
  CHECK(value(std::string("\x8a\x00", 2)) == 0);
  CHECK(value("\x8a\x01\xFF") == -1);
  CHECK(value(std::string("\x8a\x02\xFF\x00", 4)) == 255);
  CHECK(value("\x8a\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F") == std::numeric_limits<std::int64_t>::max());
  CHECK(value("I10000\n") == 10000);
}

TEST_CASE("the text opcodes of protocol 0 are read") {
  const PickleDocument document(
      "(dp1\nS'label_names'\np2\n(lp3\nS'airplane'\np4\naS\"it's\"\np5\nasS'n'\nI10000\nsg4\n0.", "a file");
  const PickleNode* names = document.find(document.root(), "label_names");
  REQUIRE(names != nullptr);
  CHECK(document.texts(*names, "names") == std::vector<std::string>{"airplane", "it's"});
  CHECK(document.find(document.root(), "n")->integer == 10000);
}

TEST_CASE("only the opcodes that the files need are accepted") {
  std::set<int> accepted;
  for (int opcode = 0; opcode < 256; ++opcode) {
    try {
      PickleDocument(std::string("\x80\x02", 2) + static_cast<char>(opcode), "a file");
    } catch (const Error& error) {
      if (std::string(error.what()).find("is not allowed") == std::string::npos) accepted.insert(opcode);
    }
  }
  std::set<int> expected{0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a};
  for (const char opcode : std::string("(.0NKMJIUTXS)]}qrphjgaesutldcRb")) expected.insert(opcode);
  CHECK(accepted == expected);
  refused(pickled::file("P1\n"), {"opcode 80 is not allowed", "byte 2"});
  refused(std::string("\x80\x04", 2) + "}.", {"protocol 4", "protocol 2"});
}

TEST_CASE("every other global is refused by name") {
  refused(pickled::file(pickled::global("os", "system") + pickled::short_string("true") + "\x85R"),
          {"os.system"});
  refused(pickled::file(pickled::global("numpy.core.multiarray", "scalar")),
          {"numpy.core.multiarray.scalar"});
  refused(pickled::file(pickled::global("__builtin__", "eval")), {"__builtin__.eval"});
}

TEST_CASE("calls of anything but the known functions with their arguments are refused") {
  refused(pickled::file(pickled::short_string("f") + ")R"), {"a call of something other"});
  refused(pickled::file(pickled::global("numpy", "ndarray") + ")R"), {"call of numpy.ndarray"});
  refused(pickled::file(pickled::global("numpy.core.multiarray", "_reconstruct") + ")R"),
          {"other than an ndarray"});
  refused(pickled::file(pickled::global("numpy", "dtype") + pickled::short_string("O8") + "\x85R"),
          {"uint8"});
  refused(pickled::file(pickled::global("__builtin__", "bytes") + pickled::integer(3) + "\x85R"),
          {"bytes()"});
  refused(pickled::file(pickled::global("_codecs", "encode") + pickled::unicode("a") +
                        pickled::unicode("utf-8") + "\x86R"),
          {"Latin-1"});
  refused(pickled::file(pickled::global("_codecs", "encode") + pickled::unicode("\xE2\x82\xAC") +
                        pickled::unicode("latin1") + "\x86R"),
          {"not Latin-1"});
}

TEST_CASE("arrays that do not fit their bytes are refused") {
  const auto array = [](std::int64_t rows, std::int64_t columns, const std::string& content,
                        const char* type = "u1", const char* fortran = "\x89") {
    return pickled::file(pickled::array("numpy.core.multiarray", rows, columns, content, type, fortran));
  };
  const std::string six = pickled::string("abcdef");
  refused(array(2, 4, six), {"larger than its bytes"});
  refused(array(1, 4, six), {"4 elements with 6 bytes"});
  refused(array(-2, -3, six), {"broken shape"});
  refused(array(0x7FFFFFFF, 0x7FFFFFFF, six), {"larger than its bytes"});
  refused(array(2, 3, six, "f4"), {"uint8"});
  refused(array(2, 3, six, "u1", "\x88"), {"Fortran"});
  refused(array(2, 3, "N"), {"without its bytes"});
}

TEST_CASE("broken stacks are refused") {
  refused(pickled::file(""), {"nothing on the stack"});
  refused(pickled::file("a"), {"nothing on the stack"});
  refused(pickled::file("e"), {"no mark"});
  refused(pickled::file("N(\x85"), {"nothing on the stack"});
  refused(pickled::file("NNa"), {"appends to no list"});
  refused(pickled::file("]NNs"), {"sets items of no dictionary"});
  refused(pickled::file("}(Nu"), {"key without a value"});
  refused(pickled::file("(Nd"), {"key without a value"});
  refused(pickled::file(std::string("h\x05")), {"unknown value 5"});
  refused(pickled::file("]N\x85"
                        "b"),
          {"other than a numpy array"});
  refused("\x80\x02}", {"ends early"});
  refused("", {"ends early"});
}

TEST_CASE("a batch that ends early is refused at every length") {
  const std::string whole = pickled::batch("labels", {3, 1}, std::string(2 * 12, 'p'), 12);
  PickleDocument(whole, "whole");
  for (std::size_t length = 0; length < whole.size(); ++length)
    refused(whole.substr(0, length), {"ends early"});
}

TEST_CASE("a batch with wrong bytes gives a document or an error but nothing worse") {
  const std::string good = pickled::batch("labels", {3, 1}, std::string(2 * 12, 'p'), 12);
  RandomStream random(3);
  for (int trial = 0; trial < 20000; ++trial) {
    std::string bytes = good;
    const std::uint64_t changes = 1 + random.below(3);
    for (std::uint64_t i = 0; i < changes; ++i)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    try {
      PickleDocument(bytes, "wrong");
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::format);
    }
  }
}

TEST_CASE("a small file can not grow without bound") {
  refused(pickled::file(std::string(5000000, 'N')), {"more than"});
  // One text that is encoded again and again.
  std::string encodings = pickled::unicode(std::string(1000, 'x')) + "q" + '\x01' +
                          pickled::global("_codecs", "encode") + "q" + '\x02' + pickled::unicode("latin1") +
                          "q" + '\x03';
  for (int i = 0; i < 1000; ++i) encodings += std::string("h\x02h\x01h\x03\x86R");
  refused(pickled::file(encodings), {"encoded more than once"});
}
