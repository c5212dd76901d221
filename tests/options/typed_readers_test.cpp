#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "options/options.hpp"

using namespace deepmoe;

TEST_CASE("readers give the value in its type") {
  Options options;
  options.set("seed", "9007199254740992");
  options.set("milestones", "1,2,3");
  CHECK(options.integer("seed") == 9007199254740992);
  CHECK(options.integers("milestones") == std::vector<std::int64_t>{1, 2, 3});
  CHECK(options.reals("betas") == std::vector<double>{0.9, 0.999});
  CHECK(options.real("weight_decay") == 5e-4);
  CHECK(options.boolean("nesterov"));
  CHECK(options.text("dataset") == "synthetic");
  CHECK(options.value("milestones") == "1,2,3");
}

TEST_CASE("reading an option as another type is a defect of the caller") {
  const Options options;
  require_error(ErrorCode::internal, {"'lr'", "real", "integer"}, [&] { options.integer("lr"); });
  require_error(ErrorCode::internal, {"'model'"}, [&] { options.boolean("model"); });
  require_error(ErrorCode::internal, {"'betas'"}, [&] { options.integers("betas"); });
  require_error(ErrorCode::internal, {"'milestones'"}, [&] { options.reals("milestones"); });
  require_error(ErrorCode::internal, {"'wide'"}, [&] { options.text("wide"); });
  require_error(ErrorCode::internal, {"'epochs'"}, [&] { options.real("epochs"); });
  require_error(ErrorCode::not_found, {"'learning_rate'"}, [&] { options.real("learning_rate"); });
}
