#include <algorithm>
#include <utility>
#include <variant>

#include "architecture/architecture.hpp"
#include "architecture/builders.hpp"
#include "architecture/gate_selection.hpp"
#include "architecture/named_builders.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

struct NamedModel {
  std::string name;
  std::variant<ResNetPlan, VggPlan> plan;
};

std::vector<NamedModel> make_models() {
  std::vector<NamedModel> models;
  const std::vector<std::pair<int, std::array<int, 4>>> resnets = {
      {18, {2, 2, 2, 2}}, {34, {3, 4, 6, 3}}, {50, {3, 4, 6, 3}}, {101, {3, 4, 23, 3}}, {152, {3, 8, 36, 3}}};
  for (const auto& [depth, blocks] : resnets) {
    models.push_back({concat("resnet", depth), ResNetPlan{blocks, depth >= 50, false, false}});
  }
  for (const auto& [depth, blocks] : resnets) {
    if (depth < 50) {
      models.push_back({concat("resnet", depth, "_moe"), ResNetPlan{blocks, false, true, true}});
    } else {
      models.push_back({concat("resnet", depth, "_moe_a"), ResNetPlan{blocks, true, true, true}});
      models.push_back({concat("resnet", depth, "_moe_b"), ResNetPlan{blocks, true, false, true}});
    }
  }
  const std::vector<std::pair<int, std::array<int, 5>>> vggs = {
      {11, {1, 1, 2, 2, 2}}, {13, {2, 2, 2, 2, 2}}, {16, {2, 2, 3, 3, 3}}, {19, {2, 2, 4, 4, 4}}};
  for (const bool gated : {false, true}) {
    for (const auto& [depth, convolutions] : vggs) {
      for (const bool norm : {false, true}) {
        models.push_back({concat("vgg", depth, norm ? "_bn" : "", gated ? "_moe" : ""),
                          VggPlan{convolutions, norm, gated}});
      }
    }
  }
  return models;
}

const std::vector<NamedModel>& models() {
  static const std::vector<NamedModel> all = make_models();
  return all;
}

Architecture with_selection(Architecture architecture, const Options& options) {
  const std::vector<std::int64_t> limits = selected_limits(architecture, options);
  if (!limits.empty()) set_active_limits(architecture, limits);
  set_embedding_influence(architecture, options.real("embedding_influence"));
  return architecture;
}

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const NamedModel& model : models()) all.push_back(model.name);
    return all;
  }();
  return names;
}

Architecture build_architecture(const Options& options) {
  const std::string name = options.text("model");
  if (name.find(':') != std::string::npos) return with_selection(build_named(name, options), options);
  const auto found = std::find_if(models().begin(), models().end(),
                                  [&](const NamedModel& model) { return model.name == name; });
  if (found == models().end()) {
    fail(ErrorCode::not_found, "unknown model '", name, "'.", suggestion(name, model_names()),
         " Known models: ", join(model_names()), ".");
  }
  const NetworkSettings settings = read_network_settings(options);
  Architecture architecture = std::holds_alternative<ResNetPlan>(found->plan)
                                  ? build_resnet(std::get<ResNetPlan>(found->plan), settings)
                                  : build_vgg(std::get<VggPlan>(found->plan), settings);
  infer_shapes(architecture);  // before validation, so that too small an image is the caller's error
  validate(architecture);
  return with_selection(std::move(architecture), options);
}

}  // namespace deepmoe
