#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "architecture/architecture.hpp"
#include "training/run_folder.hpp"
#include "training/run_progress.hpp"

namespace deepmoe {

/// Takes over into an epoch's row, or a summary, what `statistics` say of the gates, if there are any.
void add_gate_figures(nlohmann::json& row, const nlohmann::json& statistics);

/// What came out of a run so far, as summary.json has it: figures of its last and of its best epoch, and
/// where the files are.
nlohmann::json run_summary(const RunProgress& progress, const Architecture& architecture,
                           std::int64_t image_size, const RunFolder& folder);

}  // namespace deepmoe
