#pragma once

#include <memory>
#include <string>

#include "analysis/report.hpp"
#include "engine_object.hpp"
#include "report_settings.hpp"
#include "training/training.hpp"

namespace deepmoe::capi {

/// The report of an engine on every image of a data set. `run` is the folder of the training, where that is
/// known without the weights. What the callback answers ends it as a Cancelled. Errors are those of
/// dmoe_report_create.
Report make_report(const Engine& engine, const EngineData& data,
                   const std::shared_ptr<const Dataset>& dataset, const ReportSettings& settings,
                   const std::string& run, const EventCallback& callback);

/// How an engine for the report of a model is made.
EngineSettings report_engine_settings(const Model& model, const ReportSettings& settings);

/// The command line that removes the dead experts of `weights` (which may be empty) found on a split of the
/// data that the options name.
std::string compact_command(const std::string& weights, const Options& options, const std::string& split);

}  // namespace deepmoe::capi
