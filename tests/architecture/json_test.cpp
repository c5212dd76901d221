#include <doctest/doctest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

/// The small network's JSON after `change` must be refused with all of these words.
void refused(const std::vector<std::string>& words, const std::function<void(json&)>& change) {
  json document = to_json(small_network());
  change(document);
  require_error(ErrorCode::format, words, [&] { architecture_from_json(document); });
}

}  // namespace

TEST_CASE("every network survives a round trip through JSON text") {
  for (const std::string& model : model_names()) {
    for (const char* position : {"pre_bn", "post_bn", "input"}) {
      CAPTURE(model);
      CAPTURE(position);
      const Architecture network = build({{"model", model}, {"gate_position", position}, {"width", "0.5"}});
      const std::string text = to_json(network).dump();
      const Architecture back = architecture_from_json(json::parse(text));
      CHECK(to_json(back).dump() == text);
      REQUIRE(back.nodes.size() == network.nodes.size());
      for (std::size_t i = 0; i < network.nodes.size(); ++i) {
        CHECK(back.nodes[i].name == network.nodes[i].name);
        CHECK(back.nodes[i].inputs == network.nodes[i].inputs);
        CHECK(back.nodes[i].parameters == network.nodes[i].parameters);
        CHECK(back.nodes[i].operation.index() == network.nodes[i].operation.index());
      }
      CHECK(back.logits == network.logits);
      CHECK(back.embedding == network.embedding);
      CHECK(back.embedding_logits == network.embedding_logits);
      CHECK(cost(back).dense_macs == cost(network).dense_macs);
    }
  }
}

TEST_CASE("attributes survive a round trip exactly") {
  Architecture network = small_network();
  network.image_channels = 2;
  network.nodes[4].operation =
      Convolution{.channels = 7, .kernel = 5, .stride = 2, .padding = 1, .bias = true};
  network.nodes[5].operation = Gate{.bias = true};
  network.nodes[6].operation = BatchNorm{.affine = false, .epsilon = 0.1 + 0.2, .momentum = 1.0 / 3};
  network.nodes[7].operation = MaxPool{.kernel = 3, .stride = 1, .padding = 1};
  network.nodes[8].operation = AveragePool{.output_size = 2};
  network.nodes[10].operation = Linear{.channels = 2, .bias = false};
  const Architecture back = architecture_from_json(json::parse(to_json(network).dump()));
  CHECK(back.image_channels == 2);
  const auto& convolution = std::get<Convolution>(back.nodes[4].operation);
  CHECK(convolution.channels == 7);
  CHECK(convolution.kernel == 5);
  CHECK(convolution.stride == 2);
  CHECK(convolution.padding == 1);
  CHECK(convolution.bias);
  CHECK(std::get<Gate>(back.nodes[5].operation).bias);
  const auto& norm = std::get<BatchNorm>(back.nodes[6].operation);
  CHECK_FALSE(norm.affine);
  CHECK(norm.epsilon == 0.1 + 0.2);
  CHECK(norm.momentum == 1.0 / 3);
  CHECK(std::get<MaxPool>(back.nodes[7].operation).padding == 1);
  CHECK(std::get<AveragePool>(back.nodes[8].operation).output_size == 2);
  CHECK_FALSE(std::get<Linear>(back.nodes[10].operation).bias);
}

TEST_CASE("attributes with a default may be left out") {
  json document = to_json(small_network());
  document["nodes"][6].erase("epsilon");
  document["nodes"][4].erase("stride");
  const Architecture network = architecture_from_json(document);
  CHECK(std::get<BatchNorm>(network.nodes[6].operation).epsilon == 1e-5);
  CHECK(std::get<Convolution>(network.nodes[4].operation).stride == 1);
}

TEST_CASE("members that nobody knows are refused by name") {
  refused({"'extra'"}, [](json& j) { j["extra"] = 1; });
  refused({"'conv'", "'kernal'", "Did you mean 'kernel'?"}, [](json& j) { j["nodes"][4]["kernal"] = 3; });
  refused({"'relu'", "'bias'"}, [](json& j) { j["nodes"][7]["bias"] = true; });
  refused({"outputs", "'classes'"}, [](json& j) { j["outputs"]["classes"] = "fc"; });
  refused({"'relu'", "unknown operation 'rellu'", "Did you mean 'relu'?"},
          [](json& j) { j["nodes"][7]["operation"] = "rellu"; });
  refused({"format 2"}, [](json& j) { j["format"] = 2; });
}

TEST_CASE("members that are missing or of the wrong type are refused") {
  refused({"'model' is missing"}, [](json& j) { j.erase("model"); });
  refused({"'conv'", "'kernel' is missing"}, [](json& j) { j["nodes"][4].erase("kernel"); });
  refused({"number 4", "'name' is missing"}, [](json& j) { j["nodes"][4].erase("name"); });
  refused({"'logits' is missing"}, [](json& j) { j["outputs"].erase("logits"); });
  refused({"'conv'", "an integer", "number"}, [](json& j) { j["nodes"][4]["kernel"] = 3.0; });
  refused({"'conv'", "an integer", "string"}, [](json& j) { j["nodes"][4]["kernel"] = "3"; });
  refused({"'conv'", "true or false"}, [](json& j) { j["nodes"][4]["bias"] = 1; });
  refused({"'norm'", "a number"}, [](json& j) { j["nodes"][6]["epsilon"] = nullptr; });
  refused({"'conv'", "an array"}, [](json& j) { j["nodes"][4]["inputs"] = "input"; });
  refused({"'conv'", "node's name"}, [](json& j) { j["nodes"][4]["inputs"] = {0}; });
  refused({"number 4", "object", "array"}, [](json& j) { j["nodes"][4] = json::array(); });
  refused({"'nodes'", "an array"}, [](json& j) { j["nodes"] = json::object(); });
  refused({"object", "null"}, [](json& j) { j = nullptr; });
}

TEST_CASE("hostile values are refused") {
  refused({"'conv'", "too large"},
          [](json& j) { j["nodes"][4]["channels"] = std::numeric_limits<std::uint64_t>::max(); });
  refused({"'conv'", "channels is -1"}, [](json& j) { j["nodes"][4]["channels"] = -1; });
  refused({"'conv'", "'fc'", "no node before"}, [](json& j) { j["nodes"][4]["inputs"] = {"fc"}; });
  refused({"'conv'", "'conv'", "no node before"}, [](json& j) { j["nodes"][4]["inputs"] = {"conv"}; });
  refused({"'relu'", "same name"}, [](json& j) { j["nodes"][8]["name"] = "relu"; });
  refused({"outputs", "'nowhere'"}, [](json& j) { j["outputs"]["logits"] = "nowhere"; });
  refused({"printable"}, [](json& j) { j["nodes"][7]["name"] = "re\x1blu"; });
  refused({"xxx..."}, [](json& j) { j["nodes"][4]["inputs"] = {std::string(100000, 'x')}; });
  refused({"100001 nodes"}, [](json& j) { j["nodes"] = json::array_t(100001, nullptr); });
}

TEST_CASE("a randomly damaged document is refused or read by every reader") {
  const json original = to_json(small_network());
  const std::vector<json> values = {0,
                                    -1,
                                    1,
                                    2,
                                    3,
                                    4096,
                                    1000000,
                                    std::int64_t{1} << 62,
                                    1e300,
                                    0.5,
                                    true,
                                    nullptr,
                                    "",
                                    "input",
                                    "gate",
                                    "fc",
                                    "conv",
                                    "add",
                                    "max_pool",
                                    json::array(),
                                    json::object(),
                                    json::array({"conv", "norm"}),
                                    json::array({"relu"})};
  std::mt19937 random(11);
  const auto below = [&](std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
  };
  int accepted = 0, refused_count = 0;
  for (int round = 0; round < 4000; ++round) {
    json document = original;
    for (std::size_t change = below(3) + 1; change > 0; --change) {
      json* at = &document;
      while (at->is_structured() && !at->empty() && (at == &document || below(4) != 0)) {
        at = &*std::next(at->begin(), static_cast<std::ptrdiff_t>(below(at->size())));
      }
      *at = values[below(values.size())];
    }
    CAPTURE(document.dump());
    try {
      const Architecture network = architecture_from_json(document);
      ++accepted;
      CHECK_NOTHROW(parameter_specifications(network));
      CHECK_NOTHROW(minimum_image_size(network));
      CHECK(to_json(architecture_from_json(to_json(network))) == to_json(network));
      cost(network);  // may refuse what is too large to count, with an Error
    } catch (const Error& error) {
      ++refused_count;
      const bool known = error.code() == ErrorCode::format || error.code() == ErrorCode::invalid_argument;
      CHECK(known);
    }
  }
  CHECK(accepted > 50);
  CHECK(refused_count > 1000);
}
