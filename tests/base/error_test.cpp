#include "base/error.hpp"

#include <doctest/doctest.h>

#include "base/require_error.hpp"

using namespace deepmoe;

TEST_CASE("an error carries its code and the joined message") {
  require_error(ErrorCode::unsupported, {"layer 3 of 'x' has 2.5"},
                [] { fail(ErrorCode::unsupported, "layer ", 3, " of '", std::string("x"), "' has ", 2.5); });
  CHECK(concat("a", 1, 'b') == "a1b");
}
