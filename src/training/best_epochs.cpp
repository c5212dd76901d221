#include "training/best_epochs.hpp"

#include <algorithm>
#include <cmath>

namespace deepmoe {

bool BestEpochs::better(double value, double other) const {
  if (std::isnan(value) || std::isnan(other)) return !std::isnan(value);
  return higher_is_better_ ? value > other : value < other;
}

bool BestEpochs::add(std::int64_t epoch, double value) {
  const auto place = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return better(value, entry.value); });
  if (place - entries_.begin() >= count_) return false;
  entries_.insert(place, {epoch, value});
  if (static_cast<std::int64_t>(entries_.size()) > count_) entries_.pop_back();
  return true;
}

bool BestEpochs::holds(std::int64_t epoch) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.epoch == epoch; });
}

}  // namespace deepmoe
