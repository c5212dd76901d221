#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/plan.hpp"

namespace deepmoe {

/// What the steps are, what they cost, and what they did so far.
nlohmann::json describe_plan(const Plan& plan);

}  // namespace deepmoe
