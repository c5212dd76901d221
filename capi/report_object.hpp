#pragma once

/// The object behind dmoe_report.

#include <utility>

#include "analysis/report.hpp"
#include "handles.hpp"

struct dmoe_report : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::report;
  explicit dmoe_report(deepmoe::Report content) : Header(kind), report(std::move(content)) {}
  const deepmoe::Report report;
};
