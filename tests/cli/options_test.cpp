#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

namespace {

/// What `deepmoe options --json` resolves one option to.
json value_of(const std::string& name, std::vector<std::string> flags, const Environment& environment = {}) {
  flags.insert(flags.begin(), {"options", "--json"});
  const TemporaryFolder folder;
  const json table = json::parse(require_success(folder.path(), flags, environment));
  for (const json& row : table.at("options")) {
    if (row.at("name") == name) return row.at("value");
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a misspelt choice names the flag and the nearest choice") {
  const Result result = run({"options", "--optimizer", "sdg"});
  require_refusal(result, 2, "error: --optimizer must be one of");
  CHECK(result.errors.find("Did you mean 'sgd'?") != std::string::npos);
}

TEST_CASE("a value that is wrong names the flag and what it must be") {
  require_refusal(run({"train", "--lr", "-1"}), 2, "--lr must be from 0 to 1000, not '-1'");
  require_refusal(run({"train", "--epochs", "many"}), 2, "--epochs must be a whole number");
  require_refusal(run({"train", "--wide=perhaps"}), 2, "--wide must be true or false");
  require_refusal(run({"train", "--milestones", "20", "10"}), 2, "--milestones must be ascending");
}

TEST_CASE("recipe and file and environment and flag win in this order") {
  const TemporaryFolder folder;
  write_file(folder / "seed.json", R"({"recipe": "seed"})");
  write_file(folder / "lr.json", R"({"recipe": "seed", "lr": 0.2})");
  const Environment environment = {{"DEEPMOE_LR", "0.3"}};
  CHECK(value_of("lr", {}) == 0.1);
  CHECK(value_of("lr", {"--config", folder / "seed.json"}) == 0.001);
  CHECK(value_of("lr", {"--config", folder / "lr.json"}) == 0.2);
  CHECK(value_of("lr", {"--config", folder / "lr.json"}, environment) == 0.3);
  CHECK(value_of("lr", {"--config", folder / "lr.json", "--lr", "0.4"}, environment) == 0.4);
  CHECK(value_of("lr", {"--lr", "0.4", "--lr", "0.5"}) == 0.5);
}

TEST_CASE("a boolean may stand alone or with its value") {
  CHECK(value_of("wide", {}) == false);
  CHECK(value_of("wide", {"--wide"}) == true);
  CHECK(value_of("wide", {"--wide", "false"}) == false);
  CHECK(value_of("wide", {"--wide=on"}) == true);
  CHECK(value_of("wide", {"--wide", "--epochs", "3"}) == true);
}

TEST_CASE("a list may be several words or one with commas") {
  const json expected = {1, 2, 30};
  CHECK(value_of("milestones", {"--milestones", "1", "2", "30"}) == expected);
  CHECK(value_of("milestones", {"--milestones", "1,2,30"}) == expected);
  CHECK(value_of("milestones", {"--milestones=1,2,30"}) == expected);
  CHECK(value_of("milestones", {"--milestones", "1", "2", "30", "--epochs", "40"}) == expected);
  CHECK(value_of("milestones", {"--milestones="}) == json::array());
}

TEST_CASE("a wrong variable of the environment is named") {
  require_refusal(run({"train"}, Environment{{"DEEPMOE_EPOCHS", "0"}}), 2, "DEEPMOE_EPOCHS");
}

TEST_CASE("a configuration file that is broken is named") {
  const TemporaryFolder folder;
  require_refusal(run({"train", "--config", folder / "absent.json"}), 2, "absent.json");
  write_file(folder / "torn.json", R"({"lr": )");
  require_refusal(run({"train", "--config", folder / "torn.json"}), 2, "torn.json");
  write_file(folder / "unknown.json", R"({"learning_rate": 1, "lr": 0.1})");
  require_refusal(run({"train", "--config", folder / "unknown.json"}), 2, "learning_rate");
}

TEST_CASE("the table shows every option") {
  const TemporaryFolder folder;
  const json table = json::parse(require_success(folder.path(), {"options", "--json"}));
  const std::string text = require_success(folder.path(), {"options"});
  CHECK(table.at("options").size() > 70);
  for (const json& row : table.at("options")) {
    const std::string name = row.at("name");
    CAPTURE(name);
    CHECK(text.find("  --" + name) != std::string::npos);
  }
}

TEST_CASE("a recipe shows what it sets and what of that differs") {
  const TemporaryFolder folder;
  const json table = json::parse(require_success(folder.path(), {"options", "--json"}));
  for (const std::string recipe : {"seed", "paper"}) {
    const std::string text = require_success(folder.path(), {"options", "--recipe", recipe});
    for (const json& row : table.at("options")) {
      const std::string name = row.at("name");
      CAPTURE(name);
      const bool sets = row.contains("recipes") && row.at("recipes").contains(recipe);
      const std::size_t line = text.find("--" + name + " ");
      CHECK((line != std::string::npos) == sets);
      if (!sets) continue;
      const json& value = row.at("recipes").at(recipe);
      const std::string shown = text.substr(line, text.find('\n', line) - line);
      if (value.is_string()) CHECK(shown.find(value.get<std::string>()) != std::string::npos);
      if (value.is_number_integer()) CHECK(shown.find(value.dump()) != std::string::npos);
      CHECK((shown.find(" yes") != std::string::npos) == (value != row.at("default")));
    }
  }
  CHECK(require_success(folder.path(), {"options", "--recipe", "modern"}).find("is the defaults") !=
        std::string::npos);
  const std::string text =
      require_success(folder.path(), {"options", "--recipe", "seed", "--train_paper", "imagenet"});
  CHECK(text.find("100,130,160,190") != std::string::npos);
}

TEST_CASE("a standard output that takes nothing is a failure") {
  if (!std::filesystem::exists("/dev/full")) {
    MESSAGE("SKIPPED: this system has no /dev/full");
    return;
  }
  const TemporaryFolder folder;
  Process process(folder.path(), {"options"}, {}, {"/dev/full", ""});
  require_refusal(process.finish(), 1, "standard output");
}
