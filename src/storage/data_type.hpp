#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.hpp"

namespace deepmoe {

/// The type of this name in safetensors files; nothing when it is unknown here.
std::optional<DataType> data_type_of(std::string_view name);

/// The names of all types, for messages.
std::vector<std::string> data_type_names();

/// The bytes of a tensor of this type and shape; nothing when an extent is negative or when the product,
/// zeros left out, does not fit 63 bits.
std::optional<std::uint64_t> byte_count(DataType type, const std::vector<std::int64_t>& shape);

}  // namespace deepmoe
