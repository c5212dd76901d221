#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/host_tensor.hpp"
#include "capi/small_network.hpp"
#include "capi/training_fixture.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

TEST_CASE_FIXTURE(NoLeaks, "steps on arrays lower the loss and metrics are means since the last call") {
  Training training({{"optimizer", "sgd"}, {"lr", 0.05}});
  const Arrays arrays(16);
  const double first = step(training.trainer, arrays);
  double last = first;
  for (int i = 0; i < 15; ++i) last = step(training.trainer, arrays);
  CHECK(last < first);
  const json metrics = metrics_of(training.trainer);
  CHECK(metrics.at("step") == 16);
  CHECK(metrics.at("samples") == 256);
  CHECK(metrics.at("loss").get<double>() < first);
  CHECK(metrics.at("loss").get<double>() > last);
  step(training.trainer, arrays);
  CHECK(metrics_of(training.trainer).at("samples") == 16);
}

TEST_CASE_FIXTURE(NoLeaks, "DLPack and plain arrays make the same step") {
  Training plain, tensors;
  Arrays arrays(8);
  const double expected = step(plain.trainer, arrays);
  HostTensor images(arrays.images.data(), f32_type, {8, 3, side, side});
  HostTensor labels(arrays.labels.data(), i64_type, {8});
  double loss = 0;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_step(tensors.trainer, &images.managed, &labels.managed, &loss, error);
  });
  CHECK(loss == doctest::Approx(expected));
  CHECK(images.deletions + labels.deletions == 0);
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_step(tensors.trainer, &images.managed, &labels.managed, nullptr, error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "wrong labels are refused before anything changes") {
  Training training;
  Arrays arrays(4);
  const std::vector<float> before = logits_of(training.model, arrays);
  double loss = -1;
  for (const int64_t wrong : {int64_t{-1}, classes, std::numeric_limits<int64_t>::max()}) {
    Arrays bad(4);
    bad.labels[2] = wrong;
    check_fails(DMOE_ERROR_INVALID_ARGUMENT, "of image 2", [&](dmoe_error** error) {
      return dmoe_trainer_step_f32(training.trainer, bad.images.data(), bad.labels.data(), 4, side, side,
                                   &loss, error);
    });
  }
  HostTensor images(arrays.images.data(), f32_type, {4, 3, side, side});
  HostTensor three(arrays.labels.data(), i64_type, {3});
  HostTensor floats(arrays.images.data(), f32_type, {4});
  for (HostTensor* labels : {&three, &floats}) {
    check_fails(DMOE_ERROR_INVALID_ARGUMENT, "labels must be int64", [&](dmoe_error** error) {
      return dmoe_trainer_step(training.trainer, &images.managed, &labels->managed, &loss, error);
    });
  }
  CHECK(loss == -1);
  CHECK(logits_of(training.model, arrays) == before);
}

TEST_CASE_FIXTURE(NoLeaks, "a loss that is not finite is a numeric error") {
  Training training;
  Arrays arrays(4);
  arrays.images[7] = std::numeric_limits<float>::quiet_NaN();
  double loss = -1;
  check_fails(DMOE_ERROR_NUMERIC, "step", [&](dmoe_error** error) {
    return dmoe_trainer_step_f32(training.trainer, arrays.images.data(), arrays.labels.data(), 4, side, side,
                                 &loss, error);
  });
  CHECK(loss == -1);
}

TEST_CASE_FIXTURE(NoLeaks, "epochs are checked") {
  Training training;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "epoch is -1",
              [&](dmoe_error** error) { return dmoe_trainer_begin_epoch(training.trainer, -1, 4, error); });
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "steps_per_epoch is 0",
              [&](dmoe_error** error) { return dmoe_trainer_begin_epoch(training.trainer, 0, 0, error); });
  CHECK(dmoe_trainer_begin_epoch(training.trainer, 0, 4, nullptr) == DMOE_OK);
}

TEST_CASE_FIXTURE(NoLeaks, "a run reports its events in order and writes its folder") {
  const TemporaryFolder folder;
  Training training({{"epochs", 2}, {"out", folder.path()}});
  std::vector<std::pair<int32_t, json>> events;
  const auto callback = [](int32_t event, const char* text, void* user_data) -> int32_t {
    static_cast<std::vector<std::pair<int32_t, json>>*>(user_data)->emplace_back(event, json::parse(text));
    return 0;
  };
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_fit(training.trainer, training.train, training.test, callback, &events, text.out(),
                            error);
  });
  REQUIRE_FALSE(events.empty());
  CHECK(events.front().first == DMOE_EVENT_START);
  CHECK(events.front().second.at("train_size") == 64);
  int epochs = 0, steps = 0, saved = 0;
  for (const auto& [event, details] : events) {
    epochs += event == DMOE_EVENT_EPOCH ? 1 : 0;
    steps += event == DMOE_EVENT_STEP ? 1 : 0;
    saved += event == DMOE_EVENT_SAVED ? 1 : 0;
  }
  CHECK(epochs == 2);
  CHECK(steps == 8);
  CHECK(saved > 0);
  const json summary = json::parse(take(text));
  for (const char* name : {"accuracy", "best_epoch", "density", "layers", "dense_macs", "active_macs",
                           "seconds_per_epoch", "files"}) {
    INFO("member: ", std::string(name));
    CHECK(summary.contains(name));
  }
  for (const char* name :
       {"config.json", "metrics.csv", "best.safetensors", "last.safetensors", "summary.json"}) {
    INFO("file: ", std::string(name));
    CHECK(std::filesystem::exists(folder.file(name)));
  }
}

TEST_CASE_FIXTURE(NoLeaks, "a run needs neither validation nor callback nor summary") {
  Training training;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_fit(training.trainer, training.train, nullptr, nullptr, nullptr, nullptr, error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "a callback's answer ends the run with everything saved") {
  const TemporaryFolder folder;
  Training training({{"epochs", 50}, {"out", folder.path()}});
  struct Count {
    int steps = 0;
  } count;
  const auto callback = [](int32_t event, const char*, void* user_data) -> int32_t {
    if (event != DMOE_EVENT_STEP) return 0;
    return ++static_cast<Count*>(user_data)->steps == 2 ? -7 : 0;
  };
  Owned<dmoe_string> summary;
  check_fails(-7, "", [&](dmoe_error** error) {
    return dmoe_trainer_fit(training.trainer, training.train, training.test, callback, &count, summary.out(),
                            error);
  });
  CHECK(count.steps == 2);
  CHECK(static_cast<dmoe_string*>(summary) == nullptr);
  // What was saved are the weights that the model has now.
  Owned<dmoe_model> saved;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_model_load(folder.file("last.safetensors").c_str(), nullptr, saved.out(), error);
  });
  const Arrays arrays(2);
  CHECK(logits_of(saved, arrays) == logits_of(training.model, arrays));
  // The trainer can go on.
  step(training.trainer, arrays);
}

TEST_CASE_FIXTURE(NoLeaks, "a callback that uses the trainer or its model is refused") {
  Training training;
  struct Statuses {
    Training* training;
    std::vector<int32_t> values;
  } statuses{&training, {}};
  const auto callback = [](int32_t event, const char*, void* user_data) -> int32_t {
    if (event != DMOE_EVENT_START) return 0;
    auto* self = static_cast<Statuses*>(user_data);
    const Training& during = *self->training;
    const Arrays arrays(1);
    float logits[classes] = {};
    Owned<dmoe_string> text;
    Owned<dmoe_tensors> state;
    Owned<dmoe_trainer> second;
    self->values = {
        dmoe_trainer_step_f32(during.trainer, arrays.images.data(), arrays.labels.data(), 1, side, side,
                              nullptr, nullptr),
        dmoe_trainer_metrics(during.trainer, text.out(), nullptr),
        dmoe_trainer_begin_epoch(during.trainer, 0, 1, nullptr),
        dmoe_trainer_fit(during.trainer, during.train, nullptr, nullptr, nullptr, nullptr, nullptr),
        dmoe_trainer_create(during.model, during.options, second.out(), nullptr),
        dmoe_model_forward_f32(during.model, arrays.images.data(), 1, side, side, logits, classes, nullptr,
                               nullptr),
        dmoe_model_evaluate(during.model, during.test, nullptr, nullptr, nullptr, text.out(), nullptr),
        dmoe_model_save(during.model, "/none/x", nullptr),
        dmoe_model_state(during.model, state.out(), nullptr),
        dmoe_model_describe(during.model, text.out(), nullptr)};
    // Other threads are refused likewise.
    std::thread([&] {
      self->values.push_back(dmoe_trainer_metrics(during.trainer, text.out(), nullptr));
    }).join();
    // Other objects may be used.
    CHECK(dmoe_dataset_size(during.train) == 64);
    return 0;
  };
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_fit(training.trainer, training.train, nullptr, callback, &statuses, nullptr, error);
  });
  REQUIRE(statuses.values.size() == 11);
  for (const int32_t status : statuses.values) CHECK(status == DMOE_ERROR_STATE);
  Owned<dmoe_string> text;
  CHECK(dmoe_trainer_metrics(training.trainer, text.out(), nullptr) == DMOE_OK);
}

TEST_CASE_FIXTURE(NoLeaks, "an exception in a callback becomes a status") {
  Training training;
  const auto throws = [](int32_t, const char*, void*) -> int32_t {
    throw std::runtime_error("the host's own");
  };
  const auto odd = [](int32_t, const char*, void*) -> int32_t { throw 3; };
  check_fails(DMOE_ERROR_INTERNAL, "the host's own", [&](dmoe_error** error) {
    return dmoe_trainer_fit(training.trainer, training.train, nullptr, throws, nullptr, nullptr, error);
  });
  check_fails(DMOE_ERROR_INTERNAL, "unknown type", [&](dmoe_error** error) {
    return dmoe_trainer_fit(training.trainer, training.train, nullptr, odd, nullptr, nullptr, error);
  });
  const Arrays arrays(2);
  step(training.trainer, arrays);
}

TEST_CASE_FIXTURE(NoLeaks, "every handle may be released by the callback of the run it serves") {
  Training training;
  dmoe_trainer* const trainer = training.trainer;
  dmoe_dataset* const train = training.train;
  const auto callback = [](int32_t, const char*, void* user_data) -> int32_t {
    auto* self = static_cast<Training*>(user_data);
    self->trainer.reset();
    self->model.reset();
    self->train.reset();
    return 0;
  };
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_fit(trainer, train, nullptr, callback, &training, nullptr, error);
  });
  CHECK(dmoe_live_objects(DMOE_KIND_TRAINER) == 0);
  CHECK(dmoe_live_objects(DMOE_KIND_MODEL) == 0);
}

TEST_CASE_FIXTURE(NoLeaks, "a trainer keeps its model alive and may be released from another thread") {
  Training training;
  training.model.reset();
  step(training.trainer, Arrays(2));
  std::thread([&] { training.trainer.reset(); }).join();
}
