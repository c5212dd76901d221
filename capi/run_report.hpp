#pragma once

#include <memory>
#include <string>

#include "training/training.hpp"

namespace deepmoe::capi {

/// Option `report` of a run.
struct RunReport {
  bool wanted = false;
  bool writes = true;  ///< whether this process writes it: of several that train together, the first
  std::string run;     ///< option `out`, the folder of the run
};

/// What the options of a trainer wish; a dry run has no report.
RunReport run_report(const Options& options);

/// Before anything is trained. Throws Error(invalid_argument) where the report could not be made: without a
/// folder, of a dense network, or without validation images (null).
void check_run_report(const RunReport& report, const Architecture& network, const Dataset* validation);

/// Writes what the experts of the run's best weights do to the folder `report` of the run.
void write_run_report(const RunReport& report, const Options& options,
                      const std::shared_ptr<const Dataset>& validation, const EventCallback& callback);

}  // namespace deepmoe::capi
