#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// A float tensor that can be cut: row-major, its first dimension counting rows.
struct CuttableTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;

  /// Elements of one row.
  std::int64_t row_size() const;
  /// Elements of row `row`.
  float* row(std::int64_t row) { return values.data() + row * row_size(); }
  void zero_row(std::int64_t row);
  /// Keeps these rows, in this order.
  void keep_rows(const std::vector<std::int64_t>& rows);
  /// The same for the second dimension, of which `block` neighbours belong to each of `columns`.
  void keep_columns(const std::vector<std::int64_t>& columns, std::int64_t block);
};

/// The state of a network by name, copied when changed.
class Weights {
 public:
  /// Errors: format for a tensor that is missing, surplus, of another shape, not f32 or not on the CPU;
  /// counters of batches may be absent.
  Weights(const Architecture& architecture, const std::vector<SharedTensor>& state);

  /// A tensor to read; it must be there.
  const float* values(const std::string& name) const;
  /// A tensor to change.
  CuttableTensor& change(const std::string& name);
  bool has(const std::string& name) const;
  /// Adds a vector of zeros.
  void add_zeros(const std::string& name, std::int64_t elements);

  /// The state_dict of `architecture`, which these weights fit by now. Unchanged tensors share their memory
  /// with the state given at first.
  std::vector<SharedTensor> state(const Architecture& architecture) &&;

 private:
  std::map<std::string, SharedTensor> given_;
  std::map<std::string, CuttableTensor> changed_;
};

}  // namespace deepmoe
