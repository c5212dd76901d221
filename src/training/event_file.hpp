#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "storage/storage.hpp"

namespace deepmoe {

/// How often values fall into buckets. Bucket i reaches from limits[i - 1] (the first from `minimum`) to
/// limits[i].
struct NamedHistogram {
  std::string name;
  double minimum = 0.0, maximum = 0.0, sum = 0.0, sum_of_squares = 0.0;
  std::vector<double> limits = {}, counts = {};
};

using NamedScalar = std::pair<std::string, double>;

/// A file that TensorBoard shows: records of TensorFlow's protocol buffer Event.
class EventFile {
 public:
  /// Makes a new file in `folder`, whose name begins with event_file_prefix. Where there are others it goes
  /// on after them: TensorBoard then forgets what they hold of `first_step` and later ones. Errors are those
  /// of AppendedFile.
  EventFile(const std::string& folder, std::int64_t first_step);

  /// Adds values of one step; all are in the file, or, on an error, none.
  void add(std::int64_t step, const std::vector<NamedScalar>& scalars,
           const std::vector<NamedHistogram>& histograms);

  const std::string& path() const { return file_.path(); }

 private:
  AppendedFile file_;
};

}  // namespace deepmoe
