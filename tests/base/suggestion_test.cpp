#include "base/suggestion.hpp"

#include <doctest/doctest.h>

using namespace deepmoe;

TEST_CASE("the nearest name is found across all kinds of misspelling") {
  const std::vector<std::string> names = {"batch_size", "epochs", "momentum", "model"};
  CHECK(nearest_name("batchsize", names) == "batch_size");    // a letter left out
  CHECK(nearest_name("batch__size", names) == "batch_size");  // a letter too many
  CHECK(nearest_name("epocks", names) == "epochs");           // another letter
  CHECK(nearest_name("momnetum", names) == "momentum");       // two letters exchanged
  CHECK(nearest_name("model", names) == "model");
}

TEST_CASE("a name that is nowhere near gets no suggestion") {
  const std::vector<std::string> names = {"batch_size", "epochs"};
  CHECK(nearest_name("learning_rate", names).empty());
  CHECK(nearest_name("xyz", {}).empty());
  CHECK(suggestion("learning_rate", names).empty());
  CHECK(suggestion("epoch", names) == " Did you mean 'epochs'?");
}

TEST_CASE("names are joined with a separator") {
  CHECK(join({}) == "");
  CHECK(join({"a"}) == "a");
  CHECK(join({"a", "b", "c"}) == "a, b, c");
  CHECK(join({"a", "b"}, ",") == "a,b");
}
