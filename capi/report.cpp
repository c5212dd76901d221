#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "deepmoe.h"
#include "engine_from_model.hpp"
#include "events.hpp"
#include "guard.hpp"
#include "objects.hpp"
#include "report/html_report.hpp"
#include "report_creation.hpp"
#include "report_object.hpp"
#include "report_settings.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

/// What a report of a model needs of it. The model is in use only while this is made.
struct Subject {
  Subject(const Model& model, const char* settings_json)
      : settings(report_settings(settings_json, true)),
        network(compiled(model, report_engine_settings(model, settings))) {
    if (settings.compact_command.empty()) {
      settings.compact_command = compact_command(settings.weights, model.options(), settings.split);
    }
  }

  ReportSettings settings;
  CompiledModel network;
};

/// `run` is the folder of the training; may be empty.
dmoe_report* new_report(const Subject& subject, const std::shared_ptr<const Dataset>& images,
                        const std::string& run, const EventCallback& callback) {
  return new dmoe_report(stoppable([&] {
    return make_report(subject.network.engine, subject.network.data, images, subject.settings, run, callback);
  }));
}

}  // namespace

int32_t dmoe_report_create(const dmoe_engine* engine, const dmoe_dataset* dataset, const char* settings_json,
                           dmoe_event_callback callback, void* user_data, dmoe_report** report,
                           dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_engine& object = checked(engine, "engine");
    // A copy, since the callback may release the data set while the call goes on.
    const std::shared_ptr<const Dataset> images = checked(dataset, "dataset").dataset;
    require(report, "report");
    const ReportSettings settings = report_settings(settings_json, false);
    *report = new dmoe_report(stoppable([&] {
      return make_report(object.engine, object.data, images, settings, "",
                         event_receiver(callback, user_data));
    }));
  });
}

int32_t dmoe_report_create_from_model(const dmoe_model* model, const dmoe_dataset* dataset,
                                      const char* settings_json, dmoe_event_callback callback,
                                      void* user_data, dmoe_report** report, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    const std::shared_ptr<const Dataset> images = checked(dataset, "dataset").dataset;
    require(report, "report");
    const Subject subject = [&] {
      const ExclusiveUse use(source.use);
      return Subject(*source.model, settings_json);
    }();
    *report = new_report(subject, images, "", event_receiver(callback, user_data));
  });
}

int32_t dmoe_report_create_from_trainer(const dmoe_trainer* trainer, const dmoe_dataset* dataset,
                                        const char* settings_json, dmoe_event_callback callback,
                                        void* user_data, dmoe_report** report, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_trainer& source = checked(trainer, "trainer");
    const std::shared_ptr<const Dataset> images = checked(dataset, "dataset").dataset;
    require(report, "report");
    const std::string run = source.options.text("out");  // The callback may release the trainer.
    const Subject subject = [&] {
      const ExclusiveUse use(source.use), model_use(source.model_use);
      return Subject(*source.trainer->model(), settings_json);
    }();
    *report = new_report(subject, images, run, event_receiver(callback, user_data));
  });
}

int32_t dmoe_report_compare(const dmoe_report* report, const dmoe_report* reference, dmoe_report** compared,
                            dmoe_error** error) {
  return guard(error, [&] {
    const Report& later = checked(report, "report").report;
    const Report& earlier = checked(reference, "reference").report;
    require(compared, "compared");
    Report copy = later;
    copy.drift = report_drift(later, earlier);
    *compared = new dmoe_report(std::move(copy));
  });
}

void dmoe_report_release(dmoe_report* report) { release(report); }

int32_t dmoe_report_json(const dmoe_report* report, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const Report& content = checked(report, "report").report;
    require(json, "json");
    *json = new_string(report_json(content));
  });
}

int32_t dmoe_report_write(const dmoe_report* report, const char* folder, dmoe_error** error) {
  return guard(error, [&] {
    const Report& content = checked(report, "report").report;
    require(folder, "folder");
    write_report(content, folder);
    write_html_report(content, folder);
  });
}
