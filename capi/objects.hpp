#pragma once

/// The objects behind the handles of deepmoe_runtime.h.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "handles.hpp"
#include "options/options.hpp"
#include "storage/shared_tensor.hpp"

struct dmoe_error : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::error;
  dmoe_error(std::int32_t status, std::string text) : Header(kind), code(status), message(std::move(text)) {}
  const std::int32_t code;
  const std::string message;
};

struct dmoe_string : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::string;
  explicit dmoe_string(std::string content) : Header(kind), text(std::move(content)) {}
  const std::string text;
};

struct dmoe_options : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::options;
  explicit dmoe_options(deepmoe::Options values = {}) : Header(kind), options(std::move(values)) {}
  deepmoe::Options options;
};

struct dmoe_tensors : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::tensors;
  explicit dmoe_tensors(std::vector<deepmoe::SharedTensor> entries = {},
                        std::map<std::string, std::string> pairs = {})
      : Header(kind), tensors(std::move(entries)), metadata(std::move(pairs)) {}
  std::vector<deepmoe::SharedTensor> tensors;
  std::map<std::string, std::string> metadata;
};
