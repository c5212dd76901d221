#pragma once

/// The attributes of each operation, listed once: the JSON reader, the JSON writer and the texts walk this
/// list.

#include <type_traits>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// Whether JSON may leave an attribute out; implied: has its default, and ours does.
enum class Presence { required, optional, implied };

/// Calls visitor(name, member, presence) for each attribute of `operation`, a (const) alternative of
/// Operation.
template <class Op, class Visitor>
void visit_attributes(Op& operation, Visitor&& visitor) {
  using Plain = std::remove_const_t<Op>;
  if constexpr (std::is_same_v<Plain, Convolution>) {
    visitor("channels", operation.channels, Presence::required);
    visitor("kernel", operation.kernel, Presence::required);
    visitor("stride", operation.stride, Presence::optional);
    visitor("padding", operation.padding, Presence::optional);
    visitor("bias", operation.bias, Presence::optional);
  } else if constexpr (std::is_same_v<Plain, BatchNorm>) {
    visitor("affine", operation.affine, Presence::optional);
    visitor("epsilon", operation.epsilon, Presence::optional);
    visitor("momentum", operation.momentum, Presence::optional);
  } else if constexpr (std::is_same_v<Plain, Gate>) {
    const auto optional_unless = [](bool has_default) {
      return has_default ? Presence::implied : Presence::optional;
    };
    visitor("bias", operation.bias, Presence::optional);
    visitor("active_limit", operation.active_limit, optional_unless(operation.active_limit == 0));
    visitor("influence", operation.influence, optional_unless(operation.influence == 1.0));
  } else if constexpr (std::is_same_v<Plain, MaxPool>) {
    visitor("kernel", operation.kernel, Presence::required);
    visitor("stride", operation.stride, Presence::required);
    visitor("padding", operation.padding, Presence::optional);
  } else if constexpr (std::is_same_v<Plain, AveragePool>) {
    visitor("output_size", operation.output_size, Presence::optional);
  } else if constexpr (std::is_same_v<Plain, Linear>) {
    visitor("channels", operation.channels, Presence::required);
    visitor("bias", operation.bias, Presence::optional);
  } else if constexpr (std::is_same_v<Plain, Dropout>) {
    visitor("probability", operation.probability, Presence::optional);
  }
}

}  // namespace deepmoe
