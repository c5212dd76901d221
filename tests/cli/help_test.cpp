#include <doctest/doctest.h>

#include <string>

#include "process.hpp"

using namespace deepmoe::cli_test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the help lists subcommands and examples and exit statuses") {
  const Result result = run({"--help"});
  CHECK(result.status == 0);
  CHECK(result.errors.empty());
  for (const char* name : {"train", "eval", "predict", "analyze", "compact", "export", "convert", "fetch",
                           "info", "options", "doctor", "bench"}) {
    CAPTURE(name);
    CHECK(contains(result.output, std::string("\n  ") + name));
  }
  CHECK(contains(result.output, "Examples:"));
  CHECK(contains(result.output, "130"));
}

TEST_CASE("the exit statuses of a training are in its help and true") {
  const Result help = run({"train", "--help"});
  for (const char* part : {"0 success", "1 the work failed", "2 wrong usage", "130 interrupted"}) {
    CAPTURE(part);
    CHECK(contains(help.output, part));
  }
  // 130 is tested where a training is interrupted.
  CHECK(run({"options"}).status == 0);
  CHECK(run({"train", "--dataset", "folder", "--data_dir", "nowhere"}).status == 1);
  CHECK(run({"train", "--epochs", "none"}).status == 2);
}

TEST_CASE("without arguments the help is shown") {
  CHECK(run(std::vector<std::string>{}).output == run({"--help"}).output);
}

TEST_CASE("the version is one line") {
  const Result result = run({"--version"});
  CHECK(result.status == 0);
  CHECK(result.output.rfind("deepmoe ", 0) == 0);
  CHECK(result.output.find('\n') == result.output.size() - 1);
}

TEST_CASE("the help of a subcommand shows its options with defaults by group") {
  const Result result = run({"train", "--help"});
  CHECK(result.status == 0);
  for (const char* part : {"--config FILE", "--overwrite", "Optimizer:", "--lr NUMBER", "[0.1]",
                           "--milestones LIST", "--wide [BOOLEAN]"}) {
    CAPTURE(part);
    CHECK(contains(result.output, part));
  }
  CHECK(contains(result.output, "--distill"));
  for (const char* name :
       {"eval", "predict", "export", "convert", "fetch", "info", "options", "doctor", "bench"}) {
    CAPTURE(name);
    CHECK(run({name, "--help"}).status == 0);
  }
  CHECK(run({"bench", "train", "--help"}).status == 0);
  CHECK(run({"bench", "infer", "--help"}).status == 0);
  CHECK(run({"bench", "data", "--help"}).status == 0);
}

TEST_CASE("an unknown subcommand names the nearest one") {
  require_refusal(run({"trian"}), 2, "Did you mean 'train'?");
  require_refusal(run({"bench", "tran"}), 2, "Did you mean 'train'?");
  require_refusal(run(std::vector<std::string>{"bench"}), 2,
                  "'deepmoe bench' needs one of: train, infer, data");
}

TEST_CASE("an unknown flag names the nearest one") {
  require_refusal(run({"train", "--epoch", "3"}), 2, "Did you mean '--epochs'?");
  require_refusal(run({"eval", "--jason"}), 2, "Did you mean '--json'?");
  require_refusal(run({"train", "--batch-size=3"}), 2, "Did you mean '--batch_size'?");
}

TEST_CASE("a flag that another subcommand has is refused in words") {
  require_refusal(run({"info", "resnet18", "--lr", "3"}), 2, "--lr has no effect on 'deepmoe info'");
}

TEST_CASE("a flag without its value is refused") {
  require_refusal(run({"train", "--lr"}), 2, "--lr needs a value");
  require_refusal(run({"train", "--lr", "--epochs", "3"}), 2, "--lr needs a value");
}

TEST_CASE("a surplus argument is refused") {
  require_refusal(run({"train", "now"}), 2, "unexpected argument 'now'");
  require_refusal(run({"info", "resnet18", "--json=yes"}), 2, "--json takes no value");
}
