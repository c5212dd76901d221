#pragma once

/// Times of several computations that take turns, so that whatever else the machine does meets all of them.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace deepmoe::command {

struct Contender {
  std::string name;
  std::function<void()> run;
  std::vector<double> times = {};  ///< milliseconds a run, one for each round
};

/// In each round each contender has one block: a pause in which threads of the one before fall asleep, one
/// run that is not timed, and then runs for about `block_ms`, at least one, whose mean is kept.
void take_turns(std::vector<Contender>& contenders, std::int64_t rounds, double block_ms = 40);

double median(std::vector<double> values);

}  // namespace deepmoe::command
