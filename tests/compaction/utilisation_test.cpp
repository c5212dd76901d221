#include <doctest/doctest.h>

#include <limits>

#include "base/require_error.hpp"
#include "compaction/compaction.hpp"

using namespace deepmoe;

TEST_CASE("experts below the utilisation asked for are inactive and those at it are not") {
  const std::vector<std::vector<std::int64_t>> uses = {{0, 1, 10}, {9, 100}};
  using Flags = std::vector<std::vector<bool>>;
  CHECK(inactive_experts(uses, 100, 0.0) == Flags{{true, false, false}, {false, false}});
  CHECK(inactive_experts(uses, 100, 0.01) == Flags{{true, false, false}, {false, false}});
  CHECK(inactive_experts(uses, 100, 0.1) == Flags{{true, true, false}, {true, false}});
  CHECK(inactive_experts(uses, 100, 1.0) == Flags{{true, true, true}, {true, false}});
}

TEST_CASE("a utilisation that is no share is refused") {
  for (const double bad :
       {-1e-9, 1.001, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    require_error(ErrorCode::invalid_argument, {"min_utilisation", "from 0"},
                  [&] { inactive_experts({{1}}, 1, bad); });
  }
  require_error(ErrorCode::invalid_argument, {"no images"}, [&] { inactive_experts({{0}}, 0, 0.0); });
}
