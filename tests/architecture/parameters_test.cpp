#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "architecture/build.hpp"
#include "base/base.hpp"
#include "source_folder.hpp"

using namespace deepmoe;

namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

Shapes named_shapes(const Architecture& architecture) {
  Shapes shapes;
  for (const ParameterSpecification& entry : parameter_specifications(architecture)) {
    CHECK_MESSAGE(shapes.emplace(entry.name, entry.shape).second, entry.name);
  }
  return shapes;
}

/// FNV-1a over the lines "name AxBxC" of the state_dict in its order.
std::uint64_t digest(const Architecture& architecture) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto add = [&](const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  };
  for (const ParameterSpecification& entry : parameter_specifications(architecture)) {
    std::vector<std::string> sizes;
    for (const std::int64_t size : entry.shape) sizes.push_back(std::to_string(size));
    add(entry.name + " " + join(sizes, "x") + "\n");
  }
  return hash;
}

}  // namespace

TEST_CASE("parity files and networks have the same parameters") {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(source_folder() + "/tests/data/parity")) {
    if (file.path().extension() != ".json") continue;
    ++files;
    std::ifstream stream(file.path());
    const nlohmann::json parity = nlohmann::json::parse(stream);
    CAPTURE(file.path().string());
    const auto number = [&](const char* name) { return parity.at(name).dump(); };
    const Architecture network = build({{"model", parity.at("model")},
                                        {"num_classes", number("num_classes")},
                                        {"image_size", number("image_size")},
                                        {"wide", number("wide")},
                                        {"variant", parity.at("variant")},
                                        {"embedding_dim", number("embedding_dim")},
                                        {"embedding_layers", number("embedding_layers")},
                                        {"gate_position", parity.at("gate_position")},
                                        {"gate_bias", "false"},
                                        {"embedding_norm", "none"}});
    Shapes ours = named_shapes(network);
    std::erase_if(ours, [](const auto& entry) { return entry.first.ends_with("num_batches_tracked"); });
    const auto theirs = parity.at("parameters").get<Shapes>();
    for (const auto& [name, shape] : theirs) {
      CAPTURE(name);
      REQUIRE(ours.count(name) == 1);
      CHECK(ours.at(name) == shape);
    }
    CHECK(ours.size() == theirs.size());
  }
  CHECK(files == 6);
}

TEST_CASE("dense networks have torchvision's state_dict in its order") {
  // Digests of [name + " " + "x".join(shape) + "\n" for state_dict()] of torchvision's models.
  const std::vector<std::pair<std::string, std::uint64_t>> models = {
      {"resnet18", 0xf2b8cb04a7ed2b74ULL},  {"resnet34", 0xff6b8bde2b3f8e44ULL},
      {"resnet50", 0xbcf79d988e045b7eULL},  {"resnet101", 0xf7513e3ca57e9509ULL},
      {"resnet152", 0xb76059ee22760130ULL}, {"vgg11", 0xf9c2b3fe02391981ULL},
      {"vgg11_bn", 0x960ff7d0ec1cb68dULL},  {"vgg13", 0xa79b11f8a39f9a26ULL},
      {"vgg13_bn", 0x0f14c85425aee5f7ULL},  {"vgg16", 0xc3c36606220a7498ULL},
      {"vgg16_bn", 0xbffa96f4b6414672ULL},  {"vgg19", 0xe75a518939859d4eULL},
      {"vgg19_bn", 0x1d76d72f31805e23ULL},
  };
  for (const auto& [model, expected] : models) {
    CAPTURE(model);
    CHECK(digest(build({{"model", model}, {"num_classes", "1000"}, {"image_size", "224"}})) == expected);
  }
}

TEST_CASE("batch norm gives weight and bias and three buffers") {
  const Architecture network = build({{"model", "resnet18"}});
  std::vector<std::string> names;
  std::vector<bool> trainable;
  for (const ParameterSpecification& entry : parameter_specifications(network)) {
    if (!entry.name.starts_with("bn1.")) continue;
    names.push_back(entry.name);
    trainable.push_back(entry.trainable);
    CHECK(entry.is_integer == (entry.name == "bn1.num_batches_tracked"));
    CHECK(entry.shape.size() == (entry.is_integer ? 0U : 1U));
    CHECK(network.nodes[static_cast<std::size_t>(entry.node)].name == "bn1");
  }
  CHECK(names == std::vector<std::string>{"bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
                                          "bn1.num_batches_tracked"});
  CHECK(trainable == std::vector<bool>{true, true, false, false, false});
}

TEST_CASE("gate bias and embedding norm add their tensors") {
  const Shapes plain =
      named_shapes(build({{"model", "resnet18_moe"}, {"gate_bias", "false"}, {"embedding_norm", "none"}}));
  const Shapes full =
      named_shapes(build({{"model", "resnet18_moe"}, {"gate_bias", "true"}, {"embedding_norm", "batch"}}));
  CHECK(full.at("layer4.1.gate2.fc.bias") == std::vector<std::int64_t>{512});
  CHECK(full.at("embedding_norm.running_mean") == std::vector<std::int64_t>{128});
  CHECK(full.count("embedding_norm.weight") == 0);
  CHECK(plain.count("layer4.1.gate2.fc.bias") == 0);
  CHECK(full.size() == plain.size() + 16 + 3);
}

TEST_CASE("a gate at the input is as wide as the input") {
  const Shapes vgg = named_shapes(build({{"model", "vgg11_moe"}, {"gate_position", "input"}}));
  CHECK(vgg.at("gating.0.fc.weight") == std::vector<std::int64_t>{3, 128});
  CHECK(vgg.at("gating.1.fc.weight") == std::vector<std::int64_t>{64, 128});
  const Shapes resnet = named_shapes(build({{"model", "resnet50_moe_a"}, {"gate_position", "input"}}));
  CHECK(resnet.at("layer2.0.gate1.fc.weight") == std::vector<std::int64_t>{256, 128});
  CHECK(resnet.at("layer2.0.gate2.fc.weight") == std::vector<std::int64_t>{128, 128});
}
