#include "architecture/network_settings.hpp"

#include <doctest/doctest.h>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

TEST_CASE("variant auto and embedding layers depend on the image size") {
  const auto read = [](const char* size) {
    return read_network_settings(network_options({{"image_size", size}}));
  };
  CHECK(read("64").cifar);
  CHECK_FALSE(read("65").cifar);
  CHECK(read("64").embedding_layers == 4);
  CHECK(read("65").embedding_layers == 5);
  CHECK_FALSE(read_network_settings(network_options({{"variant", "imagenet"}})).cifar);
  CHECK(read_network_settings(network_options({{"embedding_layers", "5"}})).embedding_layers == 5);
}

TEST_CASE("scaled widths are rounded and at least one") {
  NetworkSettings settings;
  settings.width = 0.3;
  CHECK(settings.scaled(64, false) == 19);
  CHECK(settings.scaled(64, true) == 38);
  settings.width = 0.001;
  CHECK(settings.scaled(64, false) == 1);
}

TEST_CASE("an embedding too short for its layers is refused") {
  require_error(ErrorCode::invalid_argument, {"embedding_dim is 4", "5 layers"}, [] {
    read_network_settings(network_options({{"embedding_dim", "4"}, {"embedding_layers", "5"}}));
  });
  CHECK_NOTHROW(read_network_settings(network_options({{"embedding_dim", "4"}, {"embedding_layers", "4"}})));
}
