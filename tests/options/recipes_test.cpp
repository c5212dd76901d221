#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "options/options.hpp"
#include "options/value.hpp"

using namespace deepmoe;

TEST_CASE("recipes are the choices of their option and set canonical values") {
  for (const auto& [option, presets] :
       {std::pair("recipe", &recipes()), std::pair("train_paper", &paper_trainings())}) {
    const OptionDeclaration& row = option_declaration(option);
    CHECK(row.choices.size() == presets->size());
    for (const std::string_view choice : row.choices) {
      CAPTURE(choice);
      REQUIRE(presets->count(std::string(choice)) == 1);
      for (const auto& [name, value] : presets->at(std::string(choice))) {
        CAPTURE(name);
        CHECK(canonical_value(option_declaration(name), value) == value);
        // The choice of a recipe must not depend on a recipe.
        CHECK(name != "recipe");
        CHECK(name != "train_paper");
      }
    }
  }
}

TEST_CASE("recipe seed has the defaults of the Python code") {
  Options options;
  options.set("recipe", "seed");
  const std::vector<std::pair<std::string, std::string>> defaults = {
      {"dataset", "cifar100"},
      {"data_dir", "./data"},
      {"model", "resnet18"},
      {"num_classes", "100"},
      {"epochs", "25"},
      {"batch_size", "64"},
      {"gradient_accumulation", "1"},
      {"optimizer", "adam"},
      {"lr", "0.001"},
      {"milestones", ""},
      {"early_stop_metric", "val_acc"},
      {"patience", "0"},
      {"momentum", "0.9"},
      {"weight_decay", "0"},
      {"eps", "1e-8"},
      {"betas", "0.9,0.999"},
      {"alpha", "0.99"},
      {"lr_decay", "0"},
      {"rho", "0.9"},
      {"lambda_val", "0.01"},
      {"mu", "1"},
      {"freeze_epochs", "5"},
      {"wide", "false"},
      {"embedding_dim", "128"},
      {"gate_position", "pre_bn"},
      {"gate_norm", "seed"},
      {"gate_bias", "false"},
      {"embedding_norm", "none"},
      {"gate_init", "random"},
      {"label_smoothing", "0"},
      {"schedule", "step"},
      {"warmup_epochs", "0"},
      {"nesterov", "false"},
  };
  for (const auto& [name, value] : defaults) {
    CAPTURE(name);
    CHECK(options.value(name) == value);
  }
}

TEST_CASE("recipe paper is the training that the paper describes for CIFAR") {
  Options options;
  options.set("recipe", "paper");
  CHECK(options.text("gate_position") == "input");
  CHECK(options.text("optimizer") == "sgd");
  CHECK(options.real("lr") == 0.1);
  CHECK(options.real("momentum") == 0.9);
  CHECK_FALSE(options.boolean("nesterov"));
  CHECK(options.real("weight_decay") == 1e-4);
  CHECK(options.integer("batch_size") == 128);
  CHECK(options.integer("epochs") == 350);
  CHECK(options.integers("milestones") == std::vector<std::int64_t>{150, 250});
  CHECK(options.integer("freeze_epochs") == 80);
  CHECK(options.real("warmup_epochs") == 0);
}

TEST_CASE("train_paper is the training that the paper describes for its data sets") {
  for (const char* recipe : {"modern", "seed", "paper"}) {
    CAPTURE(std::string(recipe));
    for (const bool imagenet : {false, true}) {
      Options options;
      options.set("recipe", recipe);
      options.set("train_paper", imagenet ? "imagenet" : "cifar");
      CHECK(options.text("optimizer") == "sgd");
      CHECK(options.real("lr") == 0.1);
      CHECK(options.real("momentum") == 0.9);
      CHECK_FALSE(options.boolean("nesterov"));
      CHECK(options.real("weight_decay") == 1e-4);
      CHECK(options.integer("batch_size") == 128);
      CHECK(options.text("schedule") == "step");
      CHECK(options.real("gamma") == 0.1);
      CHECK(options.real("warmup_epochs") == 0);
      CHECK(options.integer("epochs") == (imagenet ? 210 : 350));
      CHECK(options.integer("freeze_epochs") == (imagenet ? 30 : 80));
      CHECK(options.integers("milestones") ==
            (imagenet ? std::vector<std::int64_t>{100, 130, 160, 190} : std::vector<std::int64_t>{150, 250}));
    }
  }
}

TEST_CASE("recipe modern is the defaults with warm-up and cosine and label smoothing") {
  const Options options;
  CHECK(options.text("recipe") == "modern");
  CHECK(options.text("gate_position") == "post_bn");
  CHECK(options.text("optimizer") == "sgd");
  CHECK(options.text("schedule") == "cosine");
  CHECK(options.real("warmup_epochs") > 0);
  CHECK(options.real("label_smoothing") > 0);
  CHECK(options.real("flip") > 0);
  CHECK(options.integer("crop_padding") > 0);
}

TEST_CASE("eps depends on the optimizer where nothing gives it") {
  const std::map<std::string, double> expected = {{"adagrad", 1e-10}, {"adadelta", 1e-6}};
  for (const std::string_view choice : option_declaration("optimizer").choices) {
    const std::string optimizer(choice);
    CAPTURE(optimizer);
    Options options;
    options.set("optimizer", optimizer);
    CHECK(options.real("eps") == (expected.count(optimizer) == 1 ? expected.at(optimizer) : 1e-8));
    CHECK(options.source("eps") == OptionSource::default_value);
    CHECK_FALSE(options.given("eps"));
    // A written configuration repeats the run.
    Options again;
    again.set_json(options.resolved());
    CHECK(again.real("eps") == options.real("eps"));
    options.set("eps", "0.5", OptionSource::file);
    CHECK(options.real("eps") == 0.5);
  }
  Options paper;
  paper.set("optimizer", "adagrad", OptionSource::file);
  paper.set("train_paper", "cifar");
  CHECK(paper.real("eps") == 1e-10);
}
