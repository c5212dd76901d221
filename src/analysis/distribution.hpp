#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace deepmoe {

/// How numbers within known bounds are spread, in one pass: active MACs of the images, say.
class Distribution {
 public:
  /// Numbers from 0 to `most` (> 0) in `bins` bins of equal width.
  Distribution(double most, std::int64_t bins);
  /// Throws Error(invalid_argument) for a number outside the bounds (up to rounding) and for NaN.
  void add(double number);

  std::int64_t count() const { return count_; }
  /// Not defined without numbers, as the next ones.
  std::optional<double> mean() const;
  /// With the number of samples as divisor; by the updates of B. P. Welford, 1962.
  std::optional<double> deviation() const;
  std::optional<double> lowest() const;
  std::optional<double> highest() const;
  /// The number below which the share `share` (0..1) of the numbers lies, read off the bins: as exact as a
  /// bin is wide.
  std::optional<double> quantile(double share) const;
  double bin_width() const { return width_; }
  /// How many numbers fell into each bin; a number on a border belongs to the upper bin.
  const std::vector<std::int64_t>& bins() const { return bins_; }

 private:
  double most_, width_;
  std::vector<std::int64_t> bins_;
  std::int64_t count_ = 0;
  double mean_ = 0, squares_ = 0, lowest_ = 0, highest_ = 0;
};

}  // namespace deepmoe
