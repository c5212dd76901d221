#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "arrays.hpp"
#include "deepmoe.h"
#include "dlpack.hpp"
#include "events.hpp"
#include "guard.hpp"
#include "objects.hpp"
#include "run_report.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

/// A trainer and its model for the length of one call, which survive the release of their handles meanwhile.
class TrainerCall {
 public:
  explicit TrainerCall(const dmoe_trainer& handle)
      : trainer_(handle.trainer), use_(handle.use), model_use_(handle.model_use) {}
  Trainer* operator->() const { return trainer_.get(); }

 private:
  const std::shared_ptr<Trainer> trainer_;
  const ExclusiveUse use_;
  const ExclusiveUse model_use_;
};

void step(const dmoe_trainer& handle, const SharedTensor& images, const SharedTensor& labels, double* loss) {
  const TrainerCall trainer(handle);
  expect_images(images, trainer->model()->architecture());
  double value = 0.0;  // The host's stays untouched on failure.
  trainer->step(images, labels, loss != nullptr ? &value : nullptr);
  if (loss != nullptr) *loss = value;
}

/// Shows the events to the observers after the host, whose wish to stop comes first and ends the events for
/// all.
EventCallback observed(Observers& observers, EventCallback host) {
  if (observers.empty()) return host;
  return [&observers, host = std::move(host)](Event event, const nlohmann::json& details) {
    const std::int32_t answer = host ? host(event, details) : 0;
    if (answer != 0) return answer;
    const bool end = observers.notify(static_cast<std::int32_t>(event), json_text(details));
    return std::int32_t{end ? DMOE_ERROR_CANCELLED : DMOE_OK};
  };
}

}  // namespace

int32_t dmoe_process_place(const dmoe_options* options, int64_t* rank, int64_t* size, dmoe_error** error) {
  return guard(error, [&] {
    const Options& wishes = checked(options, "options").options;
    require(rank, "rank");
    require(size, "size");
    ProcessPlace place;
    if (wishes.text("distributed") != "off") place = process_place(process_environment());
    *rank = place.rank;
    *size = place.size;
  });
}

int32_t dmoe_trainer_create(dmoe_model* model, const dmoe_options* options, dmoe_trainer** trainer,
                            dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& target = checked(model, "model");
    const Options& wishes = checked(options, "options").options;
    require(trainer, "trainer");
    const ExclusiveUse use(target.use);
    *trainer = new dmoe_trainer(std::make_shared<Trainer>(target.model, wishes), target.use, wishes);
  });
}

void dmoe_trainer_release(dmoe_trainer* trainer) { release(trainer); }

int32_t dmoe_trainer_begin_epoch(dmoe_trainer* trainer, int64_t epoch, int64_t steps_per_epoch,
                                 dmoe_error** error) {
  return guard(error, [&] {
    const TrainerCall call(checked(trainer, "trainer"));
    if (epoch < 0) fail(ErrorCode::invalid_argument, "epoch is ", epoch, ", must be at least 0");
    if (steps_per_epoch < 1) {
      fail(ErrorCode::invalid_argument, "steps_per_epoch is ", steps_per_epoch, ", must be at least 1");
    }
    call->begin_epoch(epoch, steps_per_epoch);
  });
}

int32_t dmoe_trainer_step(dmoe_trainer* trainer, const DLManagedTensor* images, const DLManagedTensor* labels,
                          double* loss, dmoe_error** error) {
  return guard(error, [&] {
    step(checked(trainer, "trainer"), view_tensor(images, "images"), view_tensor(labels, "labels"), loss);
  });
}

int32_t dmoe_trainer_step_f32(dmoe_trainer* trainer, const float* images, const int64_t* labels,
                              int64_t batch, int64_t height, int64_t width, double* loss,
                              dmoe_error** error) {
  return guard(error, [&] {
    step(checked(trainer, "trainer"), image_array(images, batch, height, width), label_array(labels, batch),
         loss);
  });
}

int32_t dmoe_trainer_metrics(dmoe_trainer* trainer, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_trainer& source = checked(trainer, "trainer");
    require(json, "json");
    const TrainerCall call(source);
    *json = new_string(call->metrics());
  });
}

int32_t dmoe_trainer_position(dmoe_trainer* trainer, int64_t* step, int64_t* epoch, int64_t* step_in_epoch,
                              dmoe_error** error) {
  return guard(error, [&] {
    const TrainerCall call(checked(trainer, "trainer"));
    const Trainer::Position position = call->position();
    if (step != nullptr) *step = position.step;
    if (epoch != nullptr) *epoch = position.epoch;
    if (step_in_epoch != nullptr) *step_in_epoch = position.step_in_epoch;
  });
}

int32_t dmoe_trainer_save_state(dmoe_trainer* trainer, const char* path, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_trainer& source = checked(trainer, "trainer");
    require(path, "path");
    const TrainerCall call(source);
    call->save_state(path);
  });
}

int32_t dmoe_trainer_load_state(dmoe_trainer* trainer, const char* path, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_trainer& target = checked(trainer, "trainer");
    require(path, "path");
    const TrainerCall call(target);
    call->load_state(path);
  });
}

int32_t dmoe_trainer_use_average(dmoe_trainer* trainer, int32_t averaged, dmoe_error** error) {
  return guard(error, [&] {
    const TrainerCall call(checked(trainer, "trainer"));
    call->use_average(averaged != 0);
  });
}

int32_t dmoe_trainer_fit(dmoe_trainer* trainer, const dmoe_dataset* train, const dmoe_dataset* validation,
                         dmoe_event_callback callback, void* user_data, dmoe_string** summary,
                         dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_trainer& handle = checked(trainer, "trainer");
    const std::shared_ptr<const Dataset> train_data = checked(train, "train").dataset;
    const std::shared_ptr<const Dataset> validation_data =
        validation != nullptr ? checked(validation, "validation").dataset : nullptr;
    const Options options = handle.options;  // The callback may release the trainer.
    const RunReport report = run_report(options);
    check_run_report(report, handle.trainer->model()->architecture(), validation_data.get());
    const TrainerCall call(handle);
    Observers observers(handle.plugins, handle.options);
    const EventCallback events = observed(observers, event_receiver(callback, user_data));
    const nlohmann::json result = stoppable([&] {
      try {
        nlohmann::json of_run = call->fit(train_data, validation_data, events);
        write_run_report(report, options, validation_data, events);
        return of_run;
      } catch (const Cancelled&) {
        observers.rethrow();
        throw;
      }
    });
    if (summary != nullptr) *summary = new_string(result);
  });
}
