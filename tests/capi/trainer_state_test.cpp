// The state of a trainer: saved, loaded, and the averaged weights.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/small_network.hpp"
#include "capi/training_fixture.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

TEST_CASE_FIXTURE(NoLeaks, "a loop of the host's own goes on where it was saved") {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.safetensors");
  const json options = {{"gradient_accumulation", 2}, {"epochs", 4}};
  const Arrays arrays(8);
  Training whole(options), first(options), second(options);
  for (Training* training : {&whole, &first}) {
    check_succeeds(
        [&](dmoe_error** error) { return dmoe_trainer_begin_epoch(training->trainer, 1, 6, error); });
    for (int i = 0; i < 3; ++i) step(training->trainer, arrays);
  }
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_save_state(first.trainer, path.c_str(), error); });
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_load_state(second.trainer, path.c_str(), error); });
  int64_t done = -7, epoch = -7, done_in_epoch = -7;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_position(second.trainer, &done, &epoch, &done_in_epoch, error);
  });
  CHECK(done == 3);
  CHECK(epoch == 1);
  CHECK(done_in_epoch == 3);
  CHECK(dmoe_trainer_position(second.trainer, nullptr, nullptr, nullptr, nullptr) == DMOE_OK);
  for (int i = 0; i < 3; ++i) CHECK(step(second.trainer, arrays) == step(whole.trainer, arrays));
  CHECK(logits_of(second.model, arrays) == logits_of(whole.model, arrays));
  CHECK(metrics_of(second.trainer) == metrics_of(whole.trainer));

  // The file holds weights, too.
  Owned<dmoe_model> loaded;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_load(path.c_str(), nullptr, loaded.out(), error); });
  CHECK(logits_of(loaded, arrays) == logits_of(first.model, arrays));
}

TEST_CASE_FIXTURE(NoLeaks, "a loop over the library's own batches goes on in the middle of an epoch") {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.safetensors");
  const json options = {{"epochs", 2}, {"batch_size", 24}, {"random_augment", 1}, {"ema", 0.9}};
  // Trains from where the trainer is to step `end`, of 3 in each epoch.
  const auto train = [](Training& training, int64_t end) {
    int64_t done = 0, epoch = 0, done_in_epoch = 0;
    check_succeeds([&](dmoe_error** error) {
      return dmoe_trainer_position(training.trainer, &done, &epoch, &done_in_epoch, error);
    });
    while (done < end) {
      epoch = done / 3;
      if (done % 3 == 0) {
        check_succeeds(
            [&](dmoe_error** error) { return dmoe_trainer_begin_epoch(training.trainer, epoch, 3, error); });
      }
      Owned<dmoe_loader> loader;
      check_succeeds([&](dmoe_error** error) {
        return dmoe_loader_create(training.train, training.options, 1, epoch, done % 3, loader.out(), error);
      });
      do {
        const float* images = nullptr;
        const int64_t* labels = nullptr;
        int64_t size = 0;
        check_succeeds(
            [&](dmoe_error** error) { return dmoe_loader_next(loader, &images, &labels, &size, error); });
        check_succeeds([&](dmoe_error** error) {
          return dmoe_trainer_step_f32(training.trainer, images, labels, size, side, side, nullptr, error);
        });
      } while (++done < end && done % 3 != 0);
    }
  };
  Training whole(options), first(options), second(options);
  train(whole, 6);
  train(first, 4);
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_save_state(first.trainer, path.c_str(), error); });
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_load_state(second.trainer, path.c_str(), error); });
  train(second, 6);
  const Arrays arrays(8);
  CHECK(logits_of(second.model, arrays) == logits_of(whole.model, arrays));
}

TEST_CASE_FIXTURE(NoLeaks, "a state that does not fit leaves the trainer as it was") {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.safetensors");
  const json options = {{"lr", 0.25}};
  Training source(options), target;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_save_state(source.trainer, path.c_str(), error); });
  const Arrays arrays(2);
  const std::vector<float> before = logits_of(target.model, arrays);
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "option 'lr'", [&](dmoe_error** error) {
    return dmoe_trainer_load_state(target.trainer, path.c_str(), error);
  });
  check_fails(DMOE_ERROR_NOT_FOUND, folder.file("absent"), [&](dmoe_error** error) {
    return dmoe_trainer_load_state(target.trainer, folder.file("absent").c_str(), error);
  });
  check_fails(DMOE_ERROR_NOT_FOUND, "/none/x",
              [&](dmoe_error** error) { return dmoe_trainer_save_state(target.trainer, "/none/x", error); });
  CHECK(logits_of(target.model, arrays) == before);
}

TEST_CASE_FIXTURE(NoLeaks, "a loop of the host's own evaluates and saves the averaged weights") {
  const TemporaryFolder folder;
  const std::string path = folder.file("averaged.safetensors"), state = folder.file("state.safetensors");
  const Arrays arrays(8);
  Training without;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "option ema",
              [&](dmoe_error** error) { return dmoe_trainer_use_average(without.trainer, 1, error); });

  const json options = {{"ema", 0.9}, {"lr", 0.05}};
  Training training(options), undisturbed(options);
  for (int i = 0; i < 3; ++i) CHECK(step(training.trainer, arrays) == step(undisturbed.trainer, arrays));
  const std::vector<float> own = logits_of(training.model, arrays);
  const auto use = [&](int32_t averaged) {
    check_succeeds(
        [&](dmoe_error** error) { return dmoe_trainer_use_average(training.trainer, averaged, error); });
  };
  use(1);
  use(1);
  const std::vector<float> averaged = logits_of(training.model, arrays);
  CHECK(averaged != own);
  check_succeeds([&](dmoe_error** error) { return dmoe_model_save(training.model, path.c_str(), error); });
  check_fails(DMOE_ERROR_STATE, "averaged weights", [&](dmoe_error** error) {
    return dmoe_trainer_step_f32(training.trainer, arrays.images.data(), arrays.labels.data(), 8, side, side,
                                 nullptr, error);
  });
  check_fails(DMOE_ERROR_STATE, "averaged weights", [&](dmoe_error** error) {
    return dmoe_trainer_save_state(training.trainer, state.c_str(), error);
  });
  check_fails(DMOE_ERROR_STATE, "averaged weights", [&](dmoe_error** error) {
    return dmoe_trainer_load_state(training.trainer, state.c_str(), error);
  });
  check_fails(DMOE_ERROR_STATE, "averaged weights", [&](dmoe_error** error) {
    return dmoe_trainer_fit(training.trainer, training.train, nullptr, nullptr, nullptr, nullptr, error);
  });
  use(0);
  CHECK(logits_of(training.model, arrays) == own);
  // Training goes on as if nothing had been looked at.
  CHECK(step(training.trainer, arrays) == step(undisturbed.trainer, arrays));

  Owned<dmoe_model> loaded;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_load(path.c_str(), nullptr, loaded.out(), error); });
  CHECK(logits_of(loaded, arrays) == averaged);

  // The model outlives the trainer with what it has.
  use(1);
  const std::vector<float> last = logits_of(training.model, arrays);
  training.trainer.reset();
  CHECK(logits_of(training.model, arrays) == last);
}

TEST_CASE_FIXTURE(NoLeaks, "a run that was ended by its callback goes on by option resume") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  json options = {{"epochs", 3}, {"out", out}};
  const json plain = {{"epochs", 3}};
  Training whole(plain);
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_fit(whole.trainer, whole.train, whole.test, nullptr, nullptr, nullptr, error);
  });
  int left = 6;
  const auto callback = [](int32_t event, const char*, void* user_data) -> int32_t {
    return event == DMOE_EVENT_STEP && --*static_cast<int*>(user_data) == 0 ? 9 : 0;
  };
  {
    Training first(options);
    check_fails(9, "", [&](dmoe_error** error) {
      return dmoe_trainer_fit(first.trainer, first.train, first.test, callback, &left, nullptr, error);
    });
  }
  options["resume"] = out;
  Training second(options);
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_fit(second.trainer, second.train, second.test, nullptr, nullptr, nullptr, error);
  });
  const Arrays arrays(4);
  CHECK(logits_of(second.model, arrays) == logits_of(whole.model, arrays));

  options["lr"] = 0.75;
  Owned<dmoe_options> others = small_options(options);
  Owned<dmoe_trainer> refused;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "option 'lr' is 0.75", [&](dmoe_error** error) {
    return dmoe_trainer_create(second.model, others, refused.out(), error);
  });
}
