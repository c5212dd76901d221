#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/drift.hpp"

namespace deepmoe {

struct Report;

/// How a network differs from an earlier state of itself, on the same images.
struct ReportDrift {
  struct Figures {
    std::optional<double> accuracy;
    double density = 0, active_macs = 0;
    std::int64_t dead_experts = 0;
  };
  struct Layer {
    std::string name;
    RoutingDrift routing;
    /// Mean over classes and experts of the change of P(active | class), of the classes that have images.
    double class_activation = 0;
  };
  struct Parameter {
    std::string name;
    ParameterDrift drift;
  };

  std::string reference;  ///< the weights file of the earlier state; may be empty
  Figures before, after;
  std::vector<Layer> layers;
  std::vector<Parameter> parameters;  ///< empty unless both reports know their weights files
};

/// How `report` differs from `reference`. Throws Error(invalid_argument), saying what differs, unless both
/// are of the same gates and classes, images and threshold; and what reading their weights files throws.
ReportDrift report_drift(const Report& report, const Report& reference);

}  // namespace deepmoe
