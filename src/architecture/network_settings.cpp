#include "architecture/network_settings.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"

namespace deepmoe {
namespace {

/// The largest image for which variant and embedding_layers choose their forms for small images.
constexpr std::int64_t largest_small_image = 64;

GatePosition read_gate_position(const std::string& text) {
  if (text == "pre_bn") return GatePosition::pre_bn;
  if (text == "post_bn") return GatePosition::post_bn;
  if (text == "input") return GatePosition::input;
  fail(ErrorCode::invalid_argument, "gate_position is '", text, "'; it must be pre_bn, post_bn or input");
}

bool read_variant(const std::string& text, std::int64_t image_size) {
  if (text == "auto") return image_size <= largest_small_image;
  if (text == "cifar") return true;
  if (text == "imagenet") return false;
  fail(ErrorCode::invalid_argument, "variant is '", text, "'; it must be auto, imagenet or cifar");
}

std::int64_t positive(const Options& options, std::string_view name, std::string_view advice) {
  const std::int64_t value = options.integer(name);
  if (value < 1) {
    fail(ErrorCode::invalid_argument, name, " is ", value, ", but a network needs a positive number; ",
         advice);
  }
  return value;
}

}  // namespace

std::int64_t NetworkSettings::scaled(std::int64_t channels, bool doubled) const {
  const double exact = static_cast<double>(channels) * width * (doubled ? 2.0 : 1.0);
  return std::max<std::int64_t>(1, std::llround(exact));
}

NetworkSettings read_network_settings(const Options& options) {
  NetworkSettings settings;
  settings.model = options.text("model");
  settings.num_classes = positive(options, "num_classes", "set it to the number of classes of the data");
  settings.image_size = positive(options, "image_size", "set it to the height and width of the images");
  settings.width = options.real("width");
  settings.wide = options.boolean("wide");
  settings.cifar = read_variant(options.text("variant"), settings.image_size);
  settings.embedding_dim = options.integer("embedding_dim");
  settings.embedding_layers = options.integer("embedding_layers");
  if (settings.embedding_layers == 0) {
    settings.embedding_layers = settings.image_size <= largest_small_image ? 4 : 5;
  }
  if (settings.embedding_dim < settings.embedding_layers) {
    fail(ErrorCode::invalid_argument, "embedding_dim is ", settings.embedding_dim,
         ", but an embedding network of ", settings.embedding_layers, " layers needs at least ",
         settings.embedding_layers, "; raise embedding_dim or lower embedding_layers");
  }
  settings.embedding_norm = options.text("embedding_norm") == "batch";
  settings.gate_position = read_gate_position(options.text("gate_position"));
  settings.gate_bias = options.boolean("gate_bias");
  return settings;
}

}  // namespace deepmoe
