#pragma once

/// What writer and reader of safetensors share. A file is: the header's length (8 bytes, little-endian), the
/// header (JSON, padded with spaces to a multiple of 8), the tensors' bytes without gaps.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.hpp"

namespace deepmoe {

inline constexpr std::uint64_t safetensors_length_bytes = 8;
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;
inline constexpr std::size_t safetensors_rank_limit = 64;
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

/// One tensor as the header describes it, with begin and end of its bytes after the header.
struct SafetensorsEntry {
  std::string name;
  DataType type = DataType::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;  ///< by their place in the file, which they cover without gaps
};

/// Reads and checks a header for a file with `data_size` bytes after it. Errors (format) name `path`.
SafetensorsHeader parse_safetensors_header(std::string_view header, std::uint64_t data_size,
                                           const std::string& path);

/// A name from a file as part of a message: in quotes, escaped as JSON, and cut when it is long.
std::string quoted_name(std::string_view name);

}  // namespace deepmoe
