#include "training/resumable_options.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "base/base.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

/// Where other options take their values from (those are compared), and what no step depends on.
constexpr std::array<std::string_view, 8> harmless{"recipe",   "train_paper", "data_dir", "num_workers",
                                                   "prefetch", "print_every", "patience", "distributed_timeout"};
/// Where steps are computed.
constexpr std::array<std::string_view, 4> places{"device", "threads", "channels_last", "cuda_graphs"};
/// What the network or its first weights come from; the network itself is compared.
constexpr std::array<std::string_view, 13> network{
    "model",         "num_classes",        "width",         "wide",      "variant",
    "embedding_dim", "embedding_layers",   "gate_position", "gate_bias", "embedding_norm",
    "gate_init",     "zero_init_residual", "weights"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string shown(const json& value) {
  if (value.is_string()) return value.get<std::string>().empty() ? "empty" : value.get<std::string>();
  return value.dump();
}

}  // namespace

bool may_differ(const OptionDeclaration& option) {
  return option.group == "output" || option.name == "epochs" || contains(harmless, option.name) ||
         contains(places, option.name) || contains(network, option.name);
}

void expect_same_training(const Checkpoint& checkpoint, const Options& options, std::int64_t epochs_begun) {
  const json& then = checkpoint.values("options");
  if (!then.is_object()) checkpoint.refuse("its options are no JSON object");
  const json now = options.resolved();
  for (const OptionDeclaration& option : option_declarations()) {
    const std::string name(option.name);
    // An option that an older version did not have was as its default is.
    const json before = then.contains(name) ? then.at(name) : Options().resolved().at(name);
    if (may_differ(option) || before == now.at(name)) continue;
    fail(ErrorCode::invalid_argument, "option '", name, "' is ", shown(now.at(name)),
         ", but the training in '", checkpoint.path(), "' goes by ", shown(before),
         "; leave the option out to go on with it, or start a new training");
  }
  if (options.integer("epochs") < epochs_begun) {
    fail(ErrorCode::invalid_argument, "option 'epochs' is ", options.integer("epochs"),
         ", but the training in '", checkpoint.path(), "' has begun its epoch ", epochs_begun,
         " already; set it to ", epochs_begun, " or more");
  }
}

}  // namespace deepmoe
