#pragma once

#include <cstdint>
#include <vector>

namespace deepmoe {

/// The best epochs of a run so far, by one measure. A plain value.
class BestEpochs {
 public:
  struct Entry {
    std::int64_t epoch = 0;  ///< from 1
    double value = 0.0;
    bool operator==(const Entry&) const = default;
  };

  BestEpochs(bool higher_is_better, std::int64_t count)
      : higher_is_better_(higher_is_better), count_(count) {}

  /// Enters an epoch; says whether it is one of the best, of which there are `count` at most.
  bool add(std::int64_t epoch, double value);

  /// Best first; of equals the earlier. What is not a number is worse than any number.
  const std::vector<Entry>& entries() const { return entries_; }
  /// The best epoch, or 0 before the first.
  std::int64_t best() const { return entries_.empty() ? 0 : entries_.front().epoch; }
  bool holds(std::int64_t epoch) const;

 private:
  bool better(double value, double other) const;

  bool higher_is_better_;
  std::int64_t count_;
  std::vector<Entry> entries_;
};

}  // namespace deepmoe
