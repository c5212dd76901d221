#include "training/schedule.hpp"

#include <doctest/doctest.h>

#include "training/torch_numbers.hpp"

using namespace deepmoe;

namespace {

Schedule schedule_of(const std::vector<std::pair<std::string, std::string>>& values) {
  Options options;
  for (const auto& [name, value] : values) options.set(name, value);
  return Schedule(options);
}

}  // namespace

TEST_CASE("the step schedule multiplies by gamma at each milestone") {
  const Schedule schedule = schedule_of({{"schedule", "step"},
                                         {"lr", "0.1"},
                                         {"milestones", "2,5"},
                                         {"gamma", "0.1"},
                                         {"warmup_epochs", "0"},
                                         {"epochs", "8"}});
  const double expected[8] = {0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001};
  for (std::int64_t epoch = 0; epoch < 8; ++epoch) {
    for (std::int64_t step : {0, 9})
      CHECK(schedule.learning_rate(epoch, step, 10) == doctest::Approx(expected[epoch]));
  }
}

TEST_CASE("the cosine falls from the learning rate to nearly nothing") {
  const Schedule schedule =
      schedule_of({{"schedule", "cosine"}, {"lr", "0.2"}, {"warmup_epochs", "0"}, {"epochs", "10"}});
  CHECK(schedule.learning_rate(0, 0, 10) == doctest::Approx(0.2));
  CHECK(schedule.learning_rate(5, 0, 10) == doctest::Approx(0.1));
  CHECK(schedule.learning_rate(9, 9, 10) < 0.0001);
  double last = 1.0;
  for (std::int64_t epoch = 0; epoch < 10; ++epoch) {
    for (std::int64_t step = 0; step < 10; ++step) {
      const double lr = schedule.learning_rate(epoch, step, 10);
      CHECK(lr < last);
      CHECK(lr > 0.0);
      last = lr;
    }
  }
}

TEST_CASE("the warm-up rises in equal parts to the full learning rate") {
  const Schedule schedule =
      schedule_of({{"schedule", "step"}, {"lr", "0.4"}, {"warmup_epochs", "2"}, {"epochs", "20"}});
  for (std::int64_t step = 0; step < 8; ++step) {
    CHECK(schedule.learning_rate(step / 4, step % 4, 4) ==
          doctest::Approx(0.4 * static_cast<double>(step + 1) / 8.0));
  }
  CHECK(schedule.learning_rate(2, 0, 4) == doctest::Approx(0.4));
}

TEST_CASE("a warm-up takes at most a quarter of the run") {
  const Schedule schedule =
      schedule_of({{"schedule", "step"}, {"lr", "0.4"}, {"warmup_epochs", "5"}, {"epochs", "4"}});
  CHECK(schedule.learning_rate(1, 0, 4) == doctest::Approx(0.4));
  CHECK(schedule.learning_rate(0, 0, 4) == doctest::Approx(0.1));
}

TEST_CASE("schedules give the numbers of torch.optim.lr_scheduler") {
  const nlohmann::json numbers = test::torch_numbers();
  REQUIRE(numbers["schedules"].size() >= 8);
  for (const nlohmann::json& expected : numbers["schedules"]) {
    const std::string text = expected["options"].dump();
    CAPTURE(text);
    Options options;
    options.set_json(expected["options"]);
    const Schedule schedule(options);
    const std::int64_t steps = expected["steps_per_epoch"];
    const std::vector<double> rates = expected["rates"];
    REQUIRE(rates.size() == static_cast<std::size_t>(options.integer("epochs") * steps));
    for (std::int64_t step = 0; step < static_cast<std::int64_t>(rates.size()); ++step) {
      CAPTURE(step);
      CHECK(schedule.learning_rate(step / steps, step % steps, steps) ==
            doctest::Approx(rates[static_cast<std::size_t>(step)]).epsilon(1e-9));
    }
  }
}

TEST_CASE("one cycle is positive and finite in runs of any length and beyond their end") {
  for (const char* warmup : {"0", "1"}) {
    for (std::int64_t epochs = 1; epochs < 6; ++epochs) {
      const Schedule schedule = schedule_of({{"schedule", "one_cycle"},
                                             {"lr", "0.5"},
                                             {"warmup_epochs", warmup},
                                             {"epochs", std::to_string(epochs)}});
      for (std::int64_t steps = 1; steps < 5; ++steps) {
        for (std::int64_t step = 0; step < (epochs + 1) * steps; ++step) {
          const double lr = schedule.learning_rate(step / steps, step % steps, steps);
          CHECK(lr >= 0.5 / 250000.0 * (1.0 - 1e-9));
          CHECK(lr <= 0.5);
        }
      }
    }
  }
}
