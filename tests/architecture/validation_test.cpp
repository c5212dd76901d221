#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

/// The small network after `change` must be refused with all of these words.
void refused(const std::vector<std::string>& words, const std::function<void(Architecture&)>& change) {
  Architecture network = small_network();
  change(network);
  require_error(ErrorCode::format, words, [&] { validate(network); });
}

}  // namespace

TEST_CASE("the unchanged small network is valid") { CHECK_NOTHROW(validate(small_network())); }

TEST_CASE("wiring that no reader could follow is refused") {
  refused({"'relu'", "2 inputs", "takes 1"}, [](Architecture& n) { n.nodes[7].inputs = {6, 5}; });
  refused({"'gate'", "1 inputs", "takes 2"}, [](Architecture& n) { n.nodes[5].inputs = {4}; });
  refused({"'norm'", "number -1"}, [](Architecture& n) { n.nodes[6].inputs = {-1}; });
  refused({"'norm'", "number 6"}, [](Architecture& n) { n.nodes[6].inputs = {6}; });
  refused({"'norm'", "number 99"}, [](Architecture& n) { n.nodes[6].inputs = {99}; });
  refused({"'input'", "1 inputs"}, [](Architecture& n) { n.nodes[0].inputs = {0}; });
  refused({"'relu'", "only the first"}, [](Architecture& n) { n.nodes[7] = {"relu", Input{}, {}, {}}; });
  refused({"'input'", "must be the input"}, [](Architecture& n) { n.nodes[0].operation = Relu{}; });
  refused({"number of nodes is 0"}, [](Architecture& n) { n.nodes.clear(); });
}

TEST_CASE("attributes out of range are refused") {
  const auto convolution = [](Architecture& n) -> Convolution& {
    return std::get<Convolution>(n.nodes[4].operation);
  };
  refused({"'conv'", "kernel is 0"}, [&](Architecture& n) { convolution(n).kernel = 0; });
  refused({"'conv'", "stride is 0"}, [&](Architecture& n) { convolution(n).stride = 0; });
  refused({"'conv'", "padding is -1"}, [&](Architecture& n) { convolution(n).padding = -1; });
  refused({"'conv'", "channels is 1000001"}, [&](Architecture& n) { convolution(n).channels = 1000001; });
  refused({"'conv'", "kernel is 9223372036854775807"},
          [&](Architecture& n) { convolution(n).kernel = std::numeric_limits<std::int64_t>::max(); });
  refused({"'norm'", "epsilon"}, [](Architecture& n) { n.nodes[6].operation = BatchNorm{.epsilon = 0}; });
  refused({"'norm'", "epsilon"}, [](Architecture& n) { n.nodes[6].operation = BatchNorm{.epsilon = NAN}; });
  refused({"'norm'", "momentum"}, [](Architecture& n) { n.nodes[6].operation = BatchNorm{.momentum = NAN}; });
  refused({"'relu'", "probability is 1"}, [](Architecture& n) { n.nodes[7].operation = Dropout{1.0}; });
  refused({"'relu'", "padding is 2"},
          [](Architecture& n) { n.nodes[7].operation = MaxPool{.kernel = 3, .stride = 1, .padding = 2}; });
  refused({"'relu'", "stride is 0"},
          [](Architecture& n) { n.nodes[7].operation = MaxPool{.kernel = 3, .stride = 0}; });
  refused({"'pool'", "output_size is 0"}, [](Architecture& n) { n.nodes[8].operation = AveragePool{0}; });
  refused({"'fc'", "channels is 0"}, [](Architecture& n) { n.nodes[10].operation = Linear{.channels = 0}; });
  refused({"image_size is 0"}, [](Architecture& n) { n.image_size = 0; });
  refused({"image_channels is -3"}, [](Architecture& n) { n.image_channels = -3; });
}

TEST_CASE("shapes that do not fit are refused") {
  refused({"'conv'", "9x9", "3 x 8 x 8"},
          [](Architecture& n) { n.nodes[4].operation = Convolution{.channels = 4, .kernel = 9}; });
  refused({"'fc'", "vector"}, [](Architecture& n) { n.nodes[10].inputs = {8}; });
  refused({"'flatten'", "image"}, [](Architecture& n) { n.nodes[9].inputs = {3}; });
  refused({"'relu'", "equal", "4 x 8 x 8"}, [](Architecture& n) {
    n.nodes[7] = {"relu", Add{}, {6, 0}, {}};
  });
  refused({"'gate'", "must be a vector"}, [](Architecture& n) { n.nodes[5].inputs = {4, 0}; });
}

TEST_CASE("sizes that overflow are refused") {
  refused({"'fc.weight' is too large"}, [](Architecture& n) {
    n.image_size = 1000;
    n.nodes[8].operation = AveragePool{4096};
    n.nodes[4].operation = Convolution{.channels = 100, .kernel = 3, .padding = 1};
    n.nodes[10].operation = Linear{.channels = 1000000};
  });
  refused({"'flatten'", "too much"}, [](Architecture& n) {
    n.nodes[4].operation = Convolution{.channels = 1000000, .kernel = 1};
    n.nodes[8].operation = AveragePool{4096};
  });
  refused({"'conv.weight' is too large"}, [](Architecture& n) {
    n.image_channels = 1000000;
    n.nodes[4].operation = Convolution{.channels = 1000000, .kernel = 1001, .padding = 500};
  });
}

TEST_CASE("names must be plain and unique") {
  refused({"'norm'", "same name"}, [](Architecture& n) { n.nodes[7].name = "norm"; });
  refused({"number 7", "printable"}, [](Architecture& n) { n.nodes[7].name = ""; });
  refused({"number 7", "'a?b'"}, [](Architecture& n) { n.nodes[7].name = "a\nb"; });
  refused({"number 7", "..."}, [](Architecture& n) { n.nodes[7].name = std::string(300, 'x'); });
  refused({"model name"}, [](Architecture& n) { n.model = "two words"; });
  refused({"'fc'", "'conv.weight'"}, [](Architecture& n) { n.nodes[10].parameters = "conv"; });
  refused({"'embedding_classifier'", "'gate.fc.weight'"},
          [](Architecture& n) { n.nodes[11].parameters = "gate.fc"; });
  refused({"'fc'", "needs a prefix"}, [](Architecture& n) { n.nodes[10].parameters = ""; });
  refused({"'relu'", "must be empty"}, [](Architecture& n) { n.nodes[7].parameters = "relu"; });
}

TEST_CASE("outputs must name fitting nodes") {
  refused({"'logits' names no node"}, [](Architecture& n) { n.logits = -1; });
  refused({"'logits' names no node"}, [](Architecture& n) { n.logits = 12; });
  refused({"'relu'", "'logits' must be a vector"}, [](Architecture& n) { n.logits = 7; });
  refused({"'embedding_logits' names no node"}, [](Architecture& n) { n.embedding_logits = -1; });
  refused({"'embedding_logits' needs"}, [](Architecture& n) { n.embedding = -1; });
  refused({"'gate'", "'embedding'"}, [](Architecture& n) { n.embedding = n.embedding_logits = -1; });
  refused({"'gate'", "'embedding'"}, [](Architecture& n) { n.nodes[5].inputs[1] = 2; });
  refused({"'embedding_classifier'", "3 classes", "2"},
          [](Architecture& n) { n.nodes[11].operation = Linear{.channels = 3}; });
  refused({"'spare'", "no output depends"}, [](Architecture& n) {
    n.nodes.push_back({"spare", Linear{.channels = 2}, {3}, "spare"});
  });
}
