#include "options/table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "base/require_error.hpp"
#include "options/value.hpp"

using namespace deepmoe;

TEST_CASE("every option has a unique lower case name and a full sentence of help") {
  std::set<std::string_view> names;
  const std::set<std::string_view> groups = {"general",   "data",     "model",    "gates", "loss",
                                             "optimizer", "schedule", "training", "output"};
  for (const OptionDeclaration& row : option_declarations()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string_view::npos);
    CHECK(groups.count(row.group) == 1);
    CHECK(row.help.size() > 15);
    CHECK(row.help.back() == '.');
    CHECK((row.help.front() >= 'A' && row.help.front() <= 'Z'));
    CHECK(row.help.find('|') == std::string_view::npos);  // It would break the table of docs/options.md.
  }
}

TEST_CASE("every default is a canonical value within its own range and choices") {
  for (const OptionDeclaration& row : option_declarations()) {
    CAPTURE(row.name);
    CHECK(canonical_value(row, row.default_value) == row.default_value);
    CHECK(default_text(row.name) == row.default_value);
  }
}

TEST_CASE("unavailable choices are choices and never the default") {
  for (const OptionDeclaration& row : option_declarations()) {
    CAPTURE(row.name);
    for (const std::string_view choice : row.unavailable) {
      CHECK(std::count(row.choices.begin(), row.choices.end(), choice) == 1);
      CHECK(choice != row.default_value);
    }
  }
}

TEST_CASE("the flags of the Python code keep their names") {
  for (const char* name : {"dataset",
                           "data_dir",
                           "model",
                           "num_classes",
                           "device",
                           "epochs",
                           "batch_size",
                           "gradient_accumulation",
                           "num_workers",
                           "print_every",
                           "optimizer",
                           "lr",
                           "milestones",
                           "gamma",
                           "early_stop_metric",
                           "patience",
                           "momentum",
                           "weight_decay",
                           "eps",
                           "betas",
                           "alpha",
                           "lr_decay",
                           "rho",
                           "lambda_val",
                           "mu",
                           "freeze_epochs",
                           "wide",
                           "embedding_dim",
                           "train_paper"}) {
    CHECK(option_declaration(name).name == name);
  }
}

TEST_CASE("an unknown name is refused with the nearest one") {
  require_error(ErrorCode::not_found, {"'batchsize'", "Did you mean 'batch_size'?"},
                [] { option_declaration("batchsize"); });
  require_error(ErrorCode::not_found, {"'weight-decay'", "Did you mean 'weight_decay'?"},
                [] { option_declaration("weight-decay"); });
  require_error(ErrorCode::not_found, {"there is no option called ''"}, [] { option_declaration(""); });
}

TEST_CASE("environment variables are the name in capitals") {
  CHECK(environment_variable("batch_size") == "DEEPMOE_BATCH_SIZE");
}
