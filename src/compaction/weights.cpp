#include "compaction/weights.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "base/base.hpp"

namespace deepmoe {

std::int64_t CuttableTensor::row_size() const {
  std::int64_t elements = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) elements *= shape[i];
  return elements;
}

void CuttableTensor::zero_row(std::int64_t number) { std::fill_n(row(number), row_size(), 0.0F); }

void CuttableTensor::keep_rows(const std::vector<std::int64_t>& rows) {
  std::vector<float> kept;
  kept.reserve(rows.size() * static_cast<std::size_t>(row_size()));
  for (const std::int64_t number : rows) kept.insert(kept.end(), row(number), row(number) + row_size());
  values = std::move(kept);
  shape[0] = static_cast<std::int64_t>(rows.size());
}

void CuttableTensor::keep_columns(const std::vector<std::int64_t>& columns, std::int64_t block) {
  const std::int64_t column_size = row_size() / shape[1] * block;
  std::vector<float> kept;
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    for (const std::int64_t column : columns) {
      const float* const start = row(i) + column * column_size;
      kept.insert(kept.end(), start, start + column_size);
    }
  }
  values = std::move(kept);
  shape[1] = static_cast<std::int64_t>(columns.size()) * block;
}

Weights::Weights(const Architecture& architecture, const std::vector<SharedTensor>& state) {
  for (const SharedTensor& tensor : state) given_.emplace(tensor.name, tensor);
  std::set<std::string> known;
  for (const ParameterSpecification& specification : parameter_specifications(architecture)) {
    known.insert(specification.name);
    const auto found = given_.find(specification.name);
    if (found == given_.end()) {
      if (specification.is_integer) continue;
      fail(ErrorCode::format, "the state of network '", architecture.model, "' lacks tensor '",
           specification.name, "'");
    }
    if (found->second.shape != specification.shape) {
      fail(ErrorCode::format, "tensor '", specification.name, "' has another shape than network '",
           architecture.model, "' gives it");
    }
    if (found->second.device != DeviceType::cpu ||
        (!specification.is_integer && found->second.type != DataType::f32)) {
      fail(ErrorCode::format, "tensor '", specification.name, "' must be F32 on the CPU, but is ",
           data_type_name(found->second.type),
           found->second.device == DeviceType::cpu ? "" : " on another device");
    }
  }
  for (const auto& [name, tensor] : given_) {
    if (known.count(name) == 0) {
      fail(ErrorCode::format, "tensor '", name, "' does not belong to network '", architecture.model, "'");
    }
  }
}

const float* Weights::values(const std::string& name) const {
  const auto found = changed_.find(name);
  if (found != changed_.end()) return found->second.values.data();
  return static_cast<const float*>(given_.at(name).data);
}

CuttableTensor& Weights::change(const std::string& name) {
  const auto found = changed_.find(name);
  if (found != changed_.end()) return found->second;
  const SharedTensor& tensor = given_.at(name);
  const auto* const start = static_cast<const float*>(tensor.data);
  return changed_.emplace(name, CuttableTensor{tensor.shape, {start, start + tensor.elements()}})
      .first->second;
}

bool Weights::has(const std::string& name) const {
  return given_.count(name) > 0 || changed_.count(name) > 0;
}

void Weights::add_zeros(const std::string& name, std::int64_t elements) {
  changed_.emplace(name,
                   CuttableTensor{{elements}, std::vector<float>(static_cast<std::size_t>(elements), 0.0F)});
}

std::vector<SharedTensor> Weights::state(const Architecture& architecture) && {
  std::vector<SharedTensor> state;
  for (const ParameterSpecification& specification : parameter_specifications(architecture)) {
    const auto found = changed_.find(specification.name);
    if (found == changed_.end()) {
      const auto given = given_.find(specification.name);
      if (given != given_.end()) state.push_back(given->second);
      continue;
    }
    const auto tensor = std::make_shared<CuttableTensor>(std::move(found->second));
    if (tensor->shape != specification.shape) {
      fail(ErrorCode::internal, "tensor '", specification.name, "' was cut to a wrong shape");
    }
    SharedTensor shared;
    shared.name = specification.name;
    shared.shape = tensor->shape;
    shared.data = tensor->values.data();
    shared.owner = tensor;
    state.push_back(std::move(shared));
  }
  return state;
}

}  // namespace deepmoe
