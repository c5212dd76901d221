#include <doctest/doctest.h>

#include "architecture/build.hpp"

using namespace deepmoe;

namespace {

std::vector<std::int64_t> widths(const Architecture& network) {
  std::vector<std::int64_t> all;
  for (const Node& node : network.nodes) {
    const auto* convolution = std::get_if<Convolution>(&node.operation);
    if (convolution != nullptr && node.name.starts_with("embedding.net."))
      all.push_back(convolution->channels);
  }
  return all;
}

}  // namespace

TEST_CASE("embedding widths grow in equal steps up to the dimension") {
  const auto of = [](const char* dim, const char* layers) {
    return widths(build({{"embedding_dim", dim}, {"embedding_layers", layers}}));
  };
  CHECK(of("128", "4") == std::vector<std::int64_t>{32, 64, 96, 128});
  CHECK(of("64", "5") == std::vector<std::int64_t>{12, 24, 36, 48, 64});
  CHECK(of("5", "5") == std::vector<std::int64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("the width factor leaves the embedding network alone") {
  CHECK(widths(build({{"width", "0.25"}})) == widths(build({{"width", "2"}})));
}

TEST_CASE("heads and embedding classifier read the normalised embedding of the image") {
  const Architecture network = build({{"embedding_norm", "batch"}});
  CHECK(network.embedding == find_node(network, "embedding_norm"));
  CHECK(node_called(network, "embedding_classifier").inputs[0] == network.embedding);
  CHECK(network.embedding_logits == find_node(network, "embedding_classifier"));
  CHECK(path(network, "input", "embedding.net.0").size() == 2);
  for (const std::int32_t gate : network.gates()) {
    CHECK(network.nodes[static_cast<std::size_t>(gate)].inputs[1] == network.embedding);
  }
  const Architecture plain = build({{"embedding_norm", "none"}});
  CHECK(plain.embedding == find_node(plain, "embedding.flatten"));
}
