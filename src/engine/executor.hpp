#pragma once

#include <cstdint>

#include "engine/engine.hpp"
#include "engine/plan.hpp"
#include "engine/team.hpp"
#include "engine/workspace.hpp"

namespace deepmoe {

/// Runs samples `first .. first + count - 1` of a batch, count being at most the workspace's capacity, and
/// returns their active multiply-accumulates.
std::int64_t execute(const Plan& plan, const EngineRun& run, std::int64_t first, std::int32_t count,
                     Workspace& workspace, const Team& team);

}  // namespace deepmoe
