#include "options/options.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"

using namespace deepmoe;

namespace {

/// A file with this content that is gone at the end of the case.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
  const std::string& path() const { return path_; }

 private:
  TemporaryFolder folder_;
  std::string path_ = folder_.file("options.json");
};

/// An environment variable that is gone at the end of the case.
class TemporaryVariable {
 public:
  TemporaryVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~TemporaryVariable() { ::unsetenv(name_); }
  TemporaryVariable(const TemporaryVariable&) = delete;
  TemporaryVariable& operator=(const TemporaryVariable&) = delete;

 private:
  const char* name_;
};

}  // namespace

TEST_CASE("fresh options have the defaults") {
  const Options options;
  CHECK(options.text("recipe") == "modern");
  CHECK(options.real("lr") == 0.1);
  CHECK(options.source("lr") == OptionSource::default_value);
  CHECK_FALSE(options.given("lr"));
}

TEST_CASE("a later source wins whatever the order of the calls") {
  const std::vector<std::pair<OptionSource, std::string>> layers = {{OptionSource::recipe, "1"},
                                                                    {OptionSource::file, "2"},
                                                                    {OptionSource::environment, "3"},
                                                                    {OptionSource::flag, "4"}};
  for (std::size_t present = 1; present < 16; ++present) {
    Options forward, backward;
    std::size_t winner = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      if ((present >> i & 1) == 0) continue;
      forward.set("epochs", layers[i].second, layers[i].first);
      winner = i;
    }
    for (std::size_t i = 4; i-- > 0;) {
      if ((present >> i & 1) != 0) backward.set("epochs", layers[i].second, layers[i].first);
    }
    CAPTURE(present);
    CHECK(forward.value("epochs") == layers[winner].second);
    CHECK(backward.value("epochs") == layers[winner].second);
    CHECK(forward.source("epochs") == layers[winner].first);
    CHECK(forward.given("epochs") == (winner > 0));
  }
}

TEST_CASE("the recipe gives what nothing else gave") {
  Options options;
  options.set("lr", "0.5", OptionSource::file);
  options.set("recipe", "seed", OptionSource::file);
  CHECK(options.real("lr") == 0.5);
  CHECK(options.text("optimizer") == "adam");
  CHECK(options.source("optimizer") == OptionSource::recipe);
  CHECK_FALSE(options.given("optimizer"));
  CHECK(options.integer("embedding_dim") == 128);
  CHECK(options.source("embedding_dim") == OptionSource::default_value);

  options.set("recipe", "paper", OptionSource::flag);
  CHECK(options.text("optimizer") == "sgd");
  CHECK(options.text("gate_position") == "input");
  options.set("recipe", "seed", OptionSource::environment);
  CHECK(options.text("gate_position") == "input");
}

TEST_CASE("train_paper wins over the recipe and loses to what is given") {
  Options options;
  options.set("recipe", "seed");
  options.set("train_paper", "imagenet");
  CHECK(options.integer("epochs") == 210);
  CHECK(options.integers("milestones") == std::vector<std::int64_t>{100, 130, 160, 190});
  CHECK(options.integer("freeze_epochs") == 30);
  CHECK(options.text("optimizer") == "sgd");
  CHECK(options.text("gate_position") == "pre_bn");
  options.set("epochs", "2", OptionSource::file);
  CHECK(options.integer("epochs") == 2);
  options.set("train_paper", "cifar");
  CHECK(options.integers("milestones") == std::vector<std::int64_t>{150, 250});
}

TEST_CASE("a failed set changes nothing") {
  Options options;
  options.set("lr", "0.5");
  require_error(ErrorCode::invalid_argument, {"'lr'", "'quick'"}, [&] { options.set("lr", "quick"); });
  require_error(ErrorCode::not_found, {"'lrr'", "'lr'"}, [&] { options.set("lrr", "1"); });
  require_error(ErrorCode::not_found, {"'epoch'"},
                [&] { options.set_json({{"batch_size", 8}, {"epoch", 3}, {"lr", 0.25}}); });
  CHECK(options.real("lr") == 0.5);
  CHECK(options.integer("batch_size") == 64);
}

TEST_CASE("options that are no JSON object are refused") {
  Options options;
  require_error(ErrorCode::invalid_argument, {"JSON object", "array"},
                [&] { options.set_json(nlohmann::json::array({1})); });
}

TEST_CASE("resolved options give the same values when they are read again") {
  for (const char* recipe : {"modern", "seed", "paper"}) {
    Options options;
    options.set("recipe", recipe);
    options.set("lr", "0.30000000000000004");
    options.set("milestones", "3 7");
    options.set("data_dir", "a \"quoted\" folder");
    const nlohmann::json resolved = options.resolved();
    CHECK(resolved.size() == option_declarations().size());
    CHECK(resolved.at("milestones") == nlohmann::json::array({3, 7}));
    CHECK(resolved.at("wide") == false);
    CHECK(resolved.at("epochs").is_number_integer());
    CHECK(resolved.at("lr").is_number_float());

    const TemporaryFile file(resolved.dump(2));
    Options again;
    again.load_file(file.path());
    CHECK(again.resolved() == resolved);
    CHECK(again.source("lr") == OptionSource::file);
    // The file keeps its values even if a flag names another recipe.
    again.set("recipe", "paper");
    CHECK(again.value("gate_norm") == options.value("gate_norm"));
  }
}

TEST_CASE("a configuration file sets options and errors name it") {
  const TemporaryFile good(R"({"epochs": 3, "betas": [0.5, 0.9], "model": "vgg16"})");
  Options options;
  options.load_file(good.path());
  CHECK(options.integer("epochs") == 3);
  CHECK(options.reals("betas") == std::vector<double>{0.5, 0.9});

  const TemporaryFile wrong(R"({"model": "vgg11", "epochs": 0})");
  require_error(ErrorCode::invalid_argument, {wrong.path(), "'epochs'", "from 1"},
                [&] { options.load_file(wrong.path()); });
  CHECK(options.text("model") == "vgg16");
  const TemporaryFile broken("{\"epochs\": 3");
  require_error(ErrorCode::format, {broken.path(), "JSON"}, [&] { options.load_file(broken.path()); });
  const TemporaryFile empty("");
  require_error(ErrorCode::format, {empty.path(), "JSON"}, [&] { options.load_file(empty.path()); });
  const TemporaryFile twice(R"({"epochs": 3, "lr": 1, "epochs": 4})");
  require_error(ErrorCode::format, {twice.path(), "'epochs' is given twice"},
                [&] { options.load_file(twice.path()); });
  const TemporaryFile list("[1]");
  require_error(ErrorCode::invalid_argument, {list.path(), "JSON object"},
                [&] { options.load_file(list.path()); });
  require_error(ErrorCode::not_found, {"/nowhere/at/all.json", "No such file"},
                [&] { options.load_file("/nowhere/at/all.json"); });
  const TemporaryFolder folder;
  require_error(ErrorCode::io, {folder.path(), "directory"}, [&] { options.load_file(folder.path()); });
}

TEST_CASE("the environment sets options and errors name the variable") {
  const TemporaryVariable epochs("DEEPMOE_EPOCHS", "9");
  const TemporaryVariable empty("DEEPMOE_LR", "");
  Options options;
  options.set("epochs", "5", OptionSource::file);
  options.read_environment();
  CHECK(options.integer("epochs") == 9);
  CHECK(options.source("epochs") == OptionSource::environment);
  CHECK(options.source("lr") == OptionSource::default_value);

  const TemporaryVariable wrong("DEEPMOE_BATCH_SIZE", "many");
  Options untouched;
  require_error(ErrorCode::invalid_argument, {"DEEPMOE_BATCH_SIZE", "'many'"},
                [&] { untouched.read_environment(); });
  CHECK(untouched.source("epochs") == OptionSource::default_value);
}

TEST_CASE("merging takes the other's set values each with its source") {
  Options base, other;
  base.set("epochs", "1", OptionSource::flag);
  base.set("batch_size", "8", OptionSource::flag);
  base.set("lr", "0.5", OptionSource::environment);
  other.set("epochs", "2", OptionSource::flag);
  other.set("lr", "0.25", OptionSource::file);
  base.merge(other);
  CHECK(base.integer("epochs") == 2);
  CHECK(base.integer("batch_size") == 8);
  CHECK(base.real("lr") == 0.5);
  CHECK(other.integer("batch_size") == 64);
  base.merge(base);
  CHECK(base.integer("epochs") == 2);
}
