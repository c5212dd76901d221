#include "run_report.hpp"

#include "base/base.hpp"
#include "engine_from_model.hpp"
#include "report/html_report.hpp"
#include "report_creation.hpp"

namespace deepmoe::capi {

RunReport run_report(const Options& options) {
  const bool alone = options.text("distributed") == "off";
  return {options.boolean("report") && !options.boolean("dry_run"),
          alone || process_place(process_environment()).rank == 0, options.text("out")};
}

void check_run_report(const RunReport& report, const Architecture& network, const Dataset* validation) {
  if (!report.wanted) return;
  if (report.run.empty()) {
    fail(ErrorCode::invalid_argument,
         "option report writes into the folder of the run; name one by option out");
  }
  if (!network.gated()) {
    fail(ErrorCode::invalid_argument, "option report tells what the experts do, and network ", network.model,
         " is dense; gated ones have _moe in their names");
  }
  if (validation == nullptr || validation->size() == 0) {
    fail(ErrorCode::invalid_argument, "option report is of validation images, and there are none");
  }
}

void write_run_report(const RunReport& report, const Options& options,
                      const std::shared_ptr<const Dataset>& validation, const EventCallback& callback) {
  if (!report.wanted || !report.writes) return;
  ReportSettings settings;
  settings.weights = report.run + "/best.safetensors";
  settings.compact_command = compact_command(settings.weights, options, "test");
  settings.loader = evaluation_loader_options(options);
  Options on_cpu;
  on_cpu.set("device", "cpu");
  on_cpu.set("threads", std::to_string(options.integer("threads")));
  const std::shared_ptr<Model> best = Model::load(settings.weights, on_cpu);
  const CompiledModel made = compiled(*best, report_engine_settings(*best, settings));
  const Report content = make_report(made.engine, made.data, validation, settings, report.run, callback);
  write_report(content, report.run + "/report");
  write_html_report(content, report.run + "/report");
}

}  // namespace deepmoe::capi
