#pragma once

/// The cases of all bindings (tests/bindings/cases.json), and their inputs.

#include <doctest/doctest.h>

#include <cmath>
#include <deepmoe.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "source_folder.hpp"

namespace deepmoe::binding_test {

struct Cases {
  Cases() {
    std::ifstream(source_folder() + "/tests/bindings/cases.json") >> values;
    batch = values.at("batch");
    side = values.at("side");
    classes = values.at("num_classes");
    for (std::int64_t i = 0; i < batch * 3 * side * side; ++i) {
      floats.push_back(static_cast<float>((i * 37 + 11) % 101) / 50.0F - 1.0F);
      bytes.push_back(static_cast<std::uint8_t>((i * 37 + 11) % 251));
    }
    for (std::int64_t i = 0; i < batch; ++i) labels.push_back(i % classes);
  }

  dmoe::Options training_options() const {
    dmoe::Options options;
    options.set_json(values.at("training").at("options").dump());
    return options;
  }
  dmoe::Model model() const { return dmoe::Model::load(network, training_options()); }
  dmoe::Dataset dataset() const { return dmoe::Dataset::of(floats, labels, side, side, classes); }

  /// Checks numbers against those of a case, up to its tolerance.
  template <class Numbers>
  void check_close(const Numbers& found, const nlohmann::json& expected) const {
    const double tolerance = values.at("tolerance");
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double wanted = expected[i];
      CAPTURE(i);
      CAPTURE(wanted);
      CHECK(std::abs(static_cast<double>(found[i]) - wanted) <= tolerance * (1 + std::abs(wanted)));
    }
  }

  nlohmann::json values;
  std::int64_t batch = 0, side = 0, classes = 0;
  std::vector<float> floats;
  std::vector<std::uint8_t> bytes;
  std::vector<std::int64_t> labels;
  const std::string network = source_folder() + "/tests/bindings/network.safetensors";
};

}  // namespace deepmoe::binding_test
