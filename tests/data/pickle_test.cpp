#include "data/pickle.hpp"

#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "data/pickled_batches.hpp"

using namespace deepmoe;

TEST_CASE("a dictionary gives its values by key") {
  const PickleDocument document(
      pickled::file(std::string("}(") + pickled::short_string("numbers") + pickled::integers({1, 300, -7}) +
                    pickled::short_string("words") + "](" + pickled::short_string("cat") +
                    pickled::unicode("dog") + "eu"),
      "a file");
  const PickleNode* numbers = document.find(document.root(), "numbers");
  REQUIRE(numbers != nullptr);
  CHECK(document.integers(*numbers, "numbers") == std::vector<std::int64_t>{1, 300, -7});
  const PickleNode* words = document.find(document.root(), "words");
  REQUIRE(words != nullptr);
  CHECK(document.texts(*words, "words") == std::vector<std::string>{"cat", "dog"});
  CHECK(document.find(document.root(), "absent") == nullptr);
  CHECK(document.find(*words, "cat") == nullptr);
  require_error(ErrorCode::format, {"a file", "words", "integers"},
                [&] { document.integers(*words, "words"); });
  require_error(ErrorCode::format, {"a file", "numbers", "strings"},
                [&] { document.texts(*numbers, "numbers"); });
  require_error(ErrorCode::format, {"a file", "root", "list"},
                [&] { document.integers(document.root(), "root"); });
}

TEST_CASE("an array is a view of its bytes with its shape") {
  const PickleDocument document(
      pickled::file(pickled::array("numpy.core.multiarray", 2, 3, pickled::string("abcdef"))), "a file");
  CHECK(document.root().kind == PickleNode::Kind::array);
  CHECK(document.root().text == "abcdef");
  CHECK(document.shape(document.root()) == std::vector<std::int64_t>{2, 3});
}

TEST_CASE("bytes written by Python 3 are what they were") {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  const PickleDocument document(pickled::file(pickled::encoded_bytes(all)), "a file");
  CHECK(document.root().text == all);
}
