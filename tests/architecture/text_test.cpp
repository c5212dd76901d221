#include <doctest/doctest.h>

#include <sstream>

#include "architecture/build.hpp"

using namespace deepmoe;

namespace {

std::vector<std::string> lines(const Architecture& network) {
  std::istringstream stream(to_text(network));
  std::vector<std::string> all;
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

/// The words of the first line that begins with this word.
std::vector<std::string> words(const Architecture& network, const std::string& first) {
  for (const std::string& line : lines(network)) {
    std::istringstream stream(line);
    std::vector<std::string> all;
    for (std::string word; stream >> word;) all.push_back(word);
    if (!all.empty() && all[0] == first) return all;
  }
  return {};
}

}  // namespace

TEST_CASE("the table fits a terminal of 100 columns for every model") {
  for (const std::string& model : model_names()) {
    CAPTURE(model);
    const Architecture network = build({{"model", model}, {"num_classes", "1000"}, {"image_size", "224"}});
    const std::vector<std::string> all = lines(network);
    CHECK(all.size() > network.nodes.size());
    for (const std::string& line : all) CHECK(line.size() <= 100);
  }
}

TEST_CASE("a line tells what a node costs and which gates spare it") {
  const Architecture network = build({{"model", "resnet18_moe"}, {"gate_bias", "true"}});
  CHECK(words(network, "layer1.0.conv2") == std::vector<std::string>{"layer1.0.conv2", "conv", "3x3",
                                                                     "64x32x32", "36,928", "37,748,736", "in",
                                                                     "#0,", "out", "#1"});
  CHECK(words(network, "layer1.0.gate2") ==
        std::vector<std::string>{"layer1.0.gate2", "gate", "64x32x32", "8,256", "8,192", "#1"});
  CHECK(words(network, "layer1.0.relu1") == std::vector<std::string>{"layer1.0.relu1", "relu", "64x32x32"});
  CHECK(words(network, "fc") == std::vector<std::string>{"fc", "linear", "10", "5,130", "5,120"});
}

TEST_CASE("totals show the shares of trunk and gating and embedding") {
  const Architecture network = small_network();
  // conv 3*4*9, norm 8, fc 10 | gate 4*5 | linear 20, classifier 12
  CHECK(words(network, "trunk") ==
        std::vector<std::string>{"trunk", "126", "70.8", "%", "6,920", "99.4", "%"});
  CHECK(words(network, "gating") == std::vector<std::string>{"gating", "20", "11.2", "%", "20", "0.3", "%"});
  CHECK(words(network, "embedding") ==
        std::vector<std::string>{"embedding", "32", "18.0", "%", "25", "0.4", "%"});
  CHECK(words(network, "total") ==
        std::vector<std::string>{"total", "178", "100.0", "%", "6,965", "100.0", "%"});
  CHECK(words(build({{"model", "resnet18"}}), "gating").empty());
}
