#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "options/options.hpp"
#include "source_folder.hpp"

using namespace deepmoe;

namespace {

nlohmann::json schema_of(const std::string& name) {
  const nlohmann::json schema = options_schema();
  for (const nlohmann::json& row : schema.at("options")) {
    if (row.at("name") == name) return row;
  }
  return {};
}

}  // namespace

TEST_CASE("the schema lists every option in the order of the table") {
  const nlohmann::json schema = options_schema();
  const nlohmann::json& rows = schema.at("options");
  REQUIRE(rows.size() == option_declarations().size());
  const nlohmann::json defaults = Options().resolved();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].at("name") == option_declarations()[i].name);
    CHECK(rows[i].at("default") == defaults.at(rows[i].at("name").get<std::string>()));
  }
}

TEST_CASE("the schema tells type and range and choices and recipes") {
  const nlohmann::json width = schema_of("width");
  CHECK(width.at("type") == "real");
  CHECK(width.at("minimum") == 0);
  CHECK(width.at("minimum_excluded") == true);
  CHECK(width.at("maximum") == 16);
  CHECK(width.at("maximum_excluded") == false);
  CHECK(width.at("group") == "model");
  CHECK(width.at("environment") == "DEEPMOE_WIDTH");
  CHECK_FALSE(width.contains("choices"));
  CHECK_FALSE(width.contains("recipes"));

  const nlohmann::json schedule = schema_of("schedule");
  CHECK(schedule.at("choices") == nlohmann::json::array({"step", "cosine", "one_cycle"}));
  CHECK(schedule.at("unavailable_choices") == nlohmann::json::array());
  CHECK(schedule.at("recipes").at("seed") == "step");
  CHECK(schema_of("embedding_layers").at("choices") == nlohmann::json::array({0, 4, 5}));
  CHECK(schema_of("milestones").at("train_paper").at("cifar") == nlohmann::json::array({150, 250}));
  CHECK(schema_of("distill").at("available") == true);
  CHECK(schema_of("density_window").at("default") == nlohmann::json::array({0, 0.5}));
}

TEST_CASE("the page of options in the tree is the table") {
  const std::string path = source_folder() + "/docs/options.md";
  const char* const update = std::getenv("DEEPMOE_UPDATE_DOCS");
  if (update != nullptr && std::string(update) == "1")
    std::ofstream(path, std::ios::binary) << options_markdown();
  std::ifstream file(path, std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // Compared as a whole, since doctest would print both pages.
  const bool page_is_current = page == options_markdown();
  INFO(
      "docs/options.md differs from the table: run this test with DEEPMOE_UPDATE_DOCS=1 and commit the page");
  CHECK(page_is_current);
}
