#pragma once

/// The door of src/analysis: figures that say what the experts of a network do. Matrices are Eigen's. What
/// may be not defined is std::optional; no figure is ever NaN.

#include "analysis/class_figures.hpp"
#include "analysis/class_similarity.hpp"
#include "analysis/classification.hpp"
#include "analysis/co_activation.hpp"
#include "analysis/collection.hpp"
#include "analysis/distribution.hpp"
#include "analysis/drift.hpp"
#include "analysis/gate_figures.hpp"
#include "analysis/gate_savings.hpp"
#include "analysis/principal_components.hpp"
#include "analysis/removal.hpp"
#include "analysis/report.hpp"
#include "analysis/report_classes.hpp"
#include "analysis/report_drift.hpp"
#include "analysis/reservoir.hpp"
#include "analysis/run_curves.hpp"
