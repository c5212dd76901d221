#include <doctest/doctest.h>

#include <set>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

TEST_CASE("every model name is known once") {
  std::set<std::string> expected;
  for (const char* depth : {"18", "34", "50", "101", "152"}) expected.insert(std::string("resnet") + depth);
  for (const char* depth : {"18", "34"}) expected.insert(std::string("resnet") + depth + "_moe");
  for (const char* depth : {"50", "101", "152"}) {
    expected.insert(std::string("resnet") + depth + "_moe_a");
    expected.insert(std::string("resnet") + depth + "_moe_b");
  }
  for (const char* depth : {"11", "13", "16", "19"}) {
    for (const char* ending : {"", "_bn", "_moe", "_bn_moe"}) {
      expected.insert(std::string("vgg") + depth + ending);
    }
  }
  const std::vector<std::string>& names = model_names();
  CHECK(std::set<std::string>(names.begin(), names.end()) == expected);
  CHECK(names.size() == expected.size());
}

TEST_CASE("every model is valid in every gate position and variant") {
  for (const std::string& model : model_names()) {
    for (const char* position : {"pre_bn", "post_bn", "input"}) {
      for (const char* variant : {"cifar", "imagenet"}) {
        CAPTURE(model);
        CAPTURE(position);
        CAPTURE(variant);
        const Architecture network =
            build({{"model", model}, {"gate_position", position}, {"variant", variant}, {"width", "0.25"}});
        CHECK_NOTHROW(validate(network));
        CHECK(network.model == model);
        CHECK(network.num_classes() == 10);
        CHECK(network.gated() == (model.find("moe") != std::string::npos));
        CHECK(network.gates().empty() != network.gated());
      }
    }
  }
}

TEST_CASE("the number of gates is the number of gated convolutions") {
  const std::vector<std::pair<std::string, std::size_t>> expected = {
      {"resnet18_moe", 16},    {"resnet34_moe", 32},    {"resnet50_moe_a", 32}, {"resnet50_moe_b", 16},
      {"resnet101_moe_a", 66}, {"resnet152_moe_b", 50}, {"vgg11_moe", 8},       {"vgg16_bn_moe", 13},
      {"vgg19_moe", 16},       {"resnet50", 0}};
  for (const auto& [model, gates] : expected) {
    CAPTURE(model);
    CHECK(build({{"model", model}}).gates().size() == gates);
  }
}

TEST_CASE("an unknown model suggests the nearest one") {
  require_error(ErrorCode::not_found, {"resnet18_mo", "Did you mean 'resnet18_moe'?", "vgg19_bn_moe"}, [] {
    build({{"model", "resnet18_mo"}});
  });
}

TEST_CASE("unresolved options are refused by name") {
  require_error(ErrorCode::invalid_argument, {"num_classes"}, [] { build({{"num_classes", "0"}}); });
  require_error(ErrorCode::invalid_argument, {"image_size"}, [] { build({{"image_size", "0"}}); });
}

TEST_CASE("too small an image names the smallest that fits") {
  require_error(ErrorCode::invalid_argument, {"31 pixels", "vgg16_bn_moe", "image_size is 32"}, [] {
    build({{"model", "vgg16_bn_moe"}, {"image_size", "31"}});
  });
  CHECK_NOTHROW(build({{"model", "resnet18_moe"}, {"image_size", "1"}}));
}
