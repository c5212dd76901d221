#include <doctest/doctest.h>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

Shape shape_of(const Architecture& network, const std::string& name, std::int64_t image_size = 0) {
  return infer_shapes(network, image_size).at(static_cast<std::size_t>(find_node(network, name)));
}

}  // namespace

TEST_CASE("odd image sizes give the shapes worked out by hand") {
  const Architecture network =
      build({{"model", "resnet18_moe"}, {"image_size", "97"}, {"variant", "imagenet"}});
  CHECK(shape_of(network, "conv1") == Shape{64, 49, 49});    // (97 + 6 - 7) / 2 + 1
  CHECK(shape_of(network, "maxpool") == Shape{64, 25, 25});  // (49 + 2 - 3) / 2 + 1
  CHECK(shape_of(network, "layer2.0.conv1") == Shape{128, 13, 13});
  CHECK(shape_of(network, "layer2.0.downsample.0") == Shape{128, 13, 13});  // (25 - 1) / 2 + 1
  CHECK(shape_of(network, "layer3.0.add") == Shape{256, 7, 7});
  CHECK(shape_of(network, "layer4.1.relu2") == Shape{512, 4, 4});
  CHECK(shape_of(network, "avgpool") == Shape{512, 1, 1});
  CHECK(shape_of(network, "flatten") == Shape{512, 0, 0});
  CHECK(shape_of(network, "fc") == Shape{10, 0, 0});
  CHECK(shape_of(network, "embedding.net.0") == Shape{25, 49, 49});
  CHECK(shape_of(network, "embedding_norm") == Shape{128, 0, 0});

  const Architecture vgg = build({{"model", "vgg11"}, {"image_size", "45"}, {"variant", "imagenet"}});
  CHECK(shape_of(vgg, "features.2") == Shape{64, 22, 22});
  CHECK(shape_of(vgg, "features.20") == Shape{512, 1, 1});
  CHECK(shape_of(vgg, "avgpool") == Shape{512, 7, 7});
  CHECK(shape_of(vgg, "flatten") == Shape{25088, 0, 0});
}

TEST_CASE("a network takes other image sizes than its own") {
  const Architecture network = build({{"model", "resnet18_moe"}});
  CHECK(shape_of(network, "layer4.0.conv1") == Shape{512, 4, 4});
  CHECK(shape_of(network, "layer4.0.conv1", 33) == Shape{512, 5, 5});
  CHECK(shape_of(network, "fc", 200) == Shape{10, 0, 0});
}

TEST_CASE("an image that is too small names the minimum") {
  const Architecture network = build({{"model", "vgg11_moe"}});
  CHECK(minimum_image_size(network) == 32);
  CHECK_NOTHROW(infer_shapes(network, 32));
  require_error(ErrorCode::invalid_argument, {"31", "minimum image_size is 32"},
                [&] { infer_shapes(network, 31); });
  require_error(ErrorCode::invalid_argument, {"image_size is -1"}, [&] { infer_shapes(network, -1); });
  CHECK(minimum_image_size(build({{"model", "resnet152"}})) == 1);
}

TEST_CASE("the minimum is the smallest size that fits for many windows") {
  for (std::int64_t kernel = 1; kernel <= 9; ++kernel) {
    for (std::int64_t stride = 1; stride <= 3; ++stride) {
      Architecture network = small_network();
      network.image_size = 100;
      network.nodes[4].operation = Convolution{.channels = 4, .kernel = kernel, .stride = stride};
      network.nodes[7].operation = MaxPool{.kernel = 4, .stride = 4};
      std::int64_t expected = 1;  // by trying one after the other
      while ((expected - kernel) < 0 || (expected - kernel) / stride + 1 < 4) ++expected;
      CAPTURE(kernel);
      CAPTURE(stride);
      CHECK(minimum_image_size(network) == expected);
    }
  }
}

TEST_CASE("weights over a whole image bind the network to its image size") {
  Architecture network = small_network();
  network.nodes[8].operation = Relu{};  // no pool before flatten
  CHECK_NOTHROW(validate(network));
  CHECK_NOTHROW(infer_shapes(network, 8));
  require_error(ErrorCode::invalid_argument, {"8 pixels only", "'fc'", "256"},
                [&] { infer_shapes(network, 9); });
}
