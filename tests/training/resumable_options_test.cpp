#include "training/resumable_options.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

Checkpoint begun_with(const Options& options) {
  Checkpoint checkpoint;
  checkpoint.set("options", options.resolved());
  return checkpoint;
}

Options with(const std::string& name, const std::string& value) {
  Options options;
  options.set(name, value);
  return options;
}

}  // namespace

TEST_CASE("options on which steps depend must be the same") {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"lr", "0.25"},
                                                        {"seed", "7"},
                                                        {"batch_size", "7"},
                                                        {"schedule", "step"},
                                                        {"milestones", "3,4"},
                                                        {"freeze_epochs", "2"},
                                                        {"dataset", "cifar10"},
                                                        {"early_stop_metric", "val_loss"},
                                                        {"nesterov", "false"}}) {
    require_error(ErrorCode::invalid_argument, {"option '" + name + "'", "leave the option out"},
                  [&, &changed = name, &to = value] {
                    expect_same_training(begun_with(Options()), with(changed, to), 1);
                  });
  }
}

TEST_CASE("options on which no step depends may differ") {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"num_workers", "7"},
                                                                                    {"prefetch", "7"},
                                                                                    {"data_dir", "elsewhere"},
                                                                                    {"device", "cpu"},
                                                                                    {"threads", "3"},
                                                                                    {"print_every", "3"},
                                                                                    {"out", "elsewhere"},
                                                                                    {"keep_best", "3"},
                                                                                    {"weights", "x"},
                                                                                    {"patience", "3"}}) {
    CAPTURE(name);
    expect_same_training(begun_with(Options()), with(name, value), 1);
  }
}

TEST_CASE("a training may be prolonged but not be shorter than it is already") {
  const Checkpoint checkpoint = begun_with(with("epochs", "10"));
  expect_same_training(checkpoint, with("epochs", "20"), 10);
  expect_same_training(checkpoint, with("epochs", "4"), 4);
  require_error(ErrorCode::invalid_argument, {"'epochs' is 3", "begun its epoch 4", "4 or more"},
                [&] { expect_same_training(checkpoint, with("epochs", "3"), 4); });
}

TEST_CASE("an option that the checkpoint does not know counts as its default") {
  nlohmann::json older = Options().resolved();
  older.erase("gradient_clip");
  Checkpoint checkpoint;
  checkpoint.set("options", older);
  expect_same_training(checkpoint, Options(), 1);
  require_error(ErrorCode::invalid_argument, {"'gradient_clip' is 1"},
                [&] { expect_same_training(checkpoint, with("gradient_clip", "1"), 1); });
}
