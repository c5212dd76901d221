// deepmoe.hpp over the cases of all bindings.

#include "bindings/cpp/shared_cases.hpp"

using deepmoe::binding_test::Cases;
using nlohmann::json;

TEST_CASE("refusals have code and name and words") {
  const Cases cases;
  for (const json& refusal : cases.values.at("refusals")) {
    try {
      dmoe::Options().set(refusal.at("option").get<std::string>(), refusal.at("value").get<std::string>());
      FAIL("nothing was thrown");
    } catch (const dmoe::Error& error) {
      CHECK(error.code() == refusal.at("code"));
      CHECK(dmoe::status_name(error.code()) == refusal.at("status"));
      CHECK(std::string(error.what()).find(refusal.at("words").get<std::string>()) != std::string::npos);
    }
  }
}

TEST_CASE("an architecture costs what the case says") {
  const json expected = Cases().values.at("architecture");
  dmoe::Options options;
  options.set_json(expected.at("options").dump());
  const json totals = json::parse(dmoe::architecture_describe(options)).at("totals").at("all");
  CHECK(totals.at("parameters") == expected.at("parameters"));
  CHECK(totals.at("dense_macs") == expected.at("dense_macs"));
}

TEST_CASE("the engine computes the cases") {
  const Cases cases;
  const json& expected = cases.values.at("engine");
  const auto [batch, side] = std::pair(cases.batch, cases.side);
  const dmoe::Engine engine(cases.network);
  std::int64_t macs = 0;
  cases.check_close(engine.run(cases.floats, batch, side, side, &macs), expected.at("logits"));
  CHECK(macs == expected.at("active_macs"));
  std::vector<float> logits(static_cast<std::size_t>(batch * cases.classes));
  CHECK(engine.run_into(cases.floats, batch, side, side, logits) == expected.at("active_macs"));
  cases.check_close(logits, expected.at("logits"));
  const json& bytes = expected.at("bytes_nhwc");
  cases.check_close(engine.run(cases.bytes, batch, side, side, DMOE_LAYOUT_NHWC), bytes.at("logits"));
  CHECK(engine.run_into(cases.bytes, batch, side, side, DMOE_LAYOUT_NHWC, logits) == bytes.at("active_macs"));
  cases.check_close(logits, bytes.at("logits"));
  std::vector<float> small(2);
  CHECK_THROWS_AS(engine.run_into(cases.floats, batch, side, side, small), dmoe::Error);
  CHECK_THROWS_AS(engine.run_into(cases.floats, batch, side, side + 1, logits), dmoe::Error);

  const auto outputs = engine.run_outputs(cases.floats, batch, side, side);
  cases.check_close(outputs.logits, expected.at("logits"));
  cases.check_close(outputs.embedding, expected.at("embedding"));
  cases.check_close(outputs.embedding_logits, expected.at("embedding_logits"));
  cases.check_close(outputs.gates, expected.at("gates"));
  const auto given = expected.at("given_gates").get<std::vector<float>>();
  cases.check_close(engine.run_outputs(cases.floats, batch, side, side, given).logits,
                    expected.at("logits_with_given_gates"));
}

TEST_CASE("training follows the cases") {
  const Cases cases;
  const json& expected = cases.values.at("training");
  const dmoe::Options options = cases.training_options();
  dmoe::Model model = cases.model();
  dmoe::Trainer trainer(model, options);
  std::vector<double> losses(expected.at("losses").size());
  for (double& loss : losses) trainer.step(cases.floats, cases.labels, cases.side, cases.side, &loss);
  cases.check_close(losses, expected.at("losses"));
  cases.check_close(model.forward(cases.floats, cases.batch, cases.side, cases.side), expected.at("logits"));
  const json figures = json::parse(model.evaluate(cases.dataset(), &options));
  for (const auto& [name, value] : expected.at("evaluation").items()) {
    cases.check_close(std::vector<double>{figures.at(name)}, json::array({value}));
  }
}
