#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "options/options.hpp"

namespace deepmoe {

/// Warns, once each time, of layers all of whose experts are inactive for every image: such a layer computes
/// nothing, and as its gates get no gradient it hardly ever will again.
class DeadLayers {
 public:
  explicit DeadLayers(const Options& options) : options_(options) {}

  /// `layers` as GateStatistics::read has them, of `images` images after epoch `epoch` (from 1). Logs a
  /// warning that names the layers that were not dead in the epoch before, and says what to try.
  void check(std::int64_t epoch, std::int64_t images, const nlohmann::json& layers);

  /// The layers after the last epoch of a run that goes on, which are not warned of again.
  void remember(const nlohmann::json& layers);

 private:
  std::string advice() const;

  const Options& options_;
  std::set<std::string> dead_;
};

}  // namespace deepmoe
