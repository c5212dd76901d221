#include "training/best_epochs.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace deepmoe;
using Entries = std::vector<BestEpochs::Entry>;

namespace {

bool are(const BestEpochs& best, const Entries& expected) { return best.entries() == expected; }

}  // namespace

TEST_CASE("the best epochs are kept in order and of equals the earlier") {
  BestEpochs best(true, 3);
  CHECK(best.best() == 0);
  CHECK(best.add(1, 0.5));
  CHECK(best.add(2, 0.7));
  CHECK(best.add(3, 0.5));
  CHECK(are(best, Entries{{2, 0.7}, {1, 0.5}, {3, 0.5}}));
  CHECK_FALSE(best.add(4, 0.5));
  CHECK(best.add(5, 0.6));
  CHECK(are(best, Entries{{2, 0.7}, {5, 0.6}, {1, 0.5}}));
  CHECK_FALSE(best.add(6, 0.1));
  CHECK(best.best() == 2);
  CHECK(best.holds(1));
  CHECK_FALSE(best.holds(3));
}

TEST_CASE("a loss is better when it is lower and what is no number is worst") {
  BestEpochs best(false, 2);
  CHECK(best.add(1, std::numeric_limits<double>::quiet_NaN()));
  CHECK(best.add(2, 9.0));
  CHECK(best.best() == 2);
  CHECK(best.add(3, 8.0));
  CHECK(are(best, Entries{{3, 8.0}, {2, 9.0}}));
  CHECK_FALSE(best.add(4, std::numeric_limits<double>::quiet_NaN()));
}

TEST_CASE("only a better epoch takes the place of a single best one") {
  BestEpochs best(true, 1);
  CHECK(best.add(1, 0.5));
  CHECK_FALSE(best.add(2, 0.5));
  CHECK(best.add(3, 0.6));
  CHECK(are(best, Entries{{3, 0.6}}));
}
