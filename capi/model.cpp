#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "deepmoe.h"
#include "guard.hpp"
#include "objects.hpp"
#include "plugin/plugin.hpp"
#include "resolved_options.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

std::shared_ptr<Model> create_for(const Options& options, const Dataset& dataset) {
  const std::int64_t image_size = dataset.image_size() > 0 ? dataset.image_size() : default_image_size;
  const Options resolved = resolve_sizes(options, dataset.num_classes(), image_size);
  const std::int64_t num_classes = resolved.integer("num_classes");
  if (num_classes < dataset.num_classes()) {
    fail(ErrorCode::invalid_argument, "num_classes is ", num_classes, ", but ", dataset.description(),
         " has ", dataset.num_classes(), " classes; set num_classes to 0 to take those of the data set");
  }
  std::shared_ptr<Model> model = Model::create(resolved);
  std::vector<std::string> names = dataset.class_names();
  for (std::int64_t i = dataset.num_classes(); i < num_classes; ++i) names.push_back(std::to_string(i));
  model->describe_data(dataset.normalization(), std::move(names));
  return model;
}

nlohmann::json describe(const Model& model) {
  const Architecture& architecture = model.architecture();
  const Cost totals = cost(architecture);
  const Normalization& normalization = model.normalization();
  return {{"model", architecture.model},
          {"device", model.device()},
          {"num_classes", architecture.num_classes()},
          {"image_size", architecture.image_size},
          {"class_names", model.class_names()},
          {"normalization", {{"mean", normalization.mean}, {"deviation", normalization.deviation}}},
          {"options", model.options().resolved()},
          {"architecture", to_json(architecture)},
          {"cost",
           {{"parameters", totals.parameters},
            {"dense_macs", totals.dense_macs},
            {"trunk_parameters", totals.trunk_parameters},
            {"trunk_macs", totals.trunk_macs},
            {"gating_parameters", totals.gating_parameters},
            {"gating_macs", totals.gating_macs},
            {"embedding_parameters", totals.embedding_parameters},
            {"embedding_macs", totals.embedding_macs}}}};
}

}  // namespace

int32_t dmoe_model_create(const dmoe_options* options, const dmoe_dataset* dataset, dmoe_model** model,
                          dmoe_error** error) {
  return guard(error, [&] {
    const Options& wishes = checked(options, "options").options;
    const dmoe_dataset* data = dataset != nullptr ? &checked(dataset, "dataset") : nullptr;
    require(model, "model");
    load_plugins(wishes);
    *model = new dmoe_model(
        data != nullptr ? create_for(wishes, *data->dataset)
                        : Model::create(resolve_sizes(wishes, default_num_classes, default_image_size)));
  });
}

int32_t dmoe_model_load(const char* path, const dmoe_options* options, dmoe_model** model,
                        dmoe_error** error) {
  return guard(error, [&] {
    require(path, "path");
    require(model, "model");
    const Options wishes = options != nullptr ? checked(options, "options").options : Options();
    load_plugins(wishes);
    *model = new dmoe_model(Model::load(path, wishes));
  });
}

int32_t dmoe_model_save(const dmoe_model* model, const char* path, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(path, "path");
    const ExclusiveUse use(source.use);
    source.model->save(path);
  });
}

void dmoe_model_release(dmoe_model* model) { release(model); }

int32_t dmoe_model_describe(const dmoe_model* model, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(json, "json");
    const ExclusiveUse use(source.use);
    *json = new_string(describe(*source.model));
  });
}

int32_t dmoe_model_read_image(const dmoe_model* model, const char* path, dmoe_tensors** image,
                              dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& reader = checked(model, "model");
    require(path, "path");
    require(image, "image");
    const ExclusiveUse use(reader.use);
    const std::int64_t side = reader.model->architecture().image_size;
    std::vector<std::byte> scratch;
    const auto pixels = std::make_shared<std::vector<float>>(static_cast<std::size_t>(3 * side * side));
    const Transform transform{.image_size = side, .normalization = reader.model->normalization()};
    apply_transform(
        transform, [&](const ChoosePart& choose) { return decode_image_part(path, choose, scratch); }, 0,
        pixels->data());
    SharedTensor tensor;
    tensor.name = "input";
    tensor.shape = {1, 3, side, side};
    tensor.data = pixels->data();
    tensor.owner = pixels;
    *image = new dmoe_tensors({std::move(tensor)});
  });
}

int32_t dmoe_model_state(const dmoe_model* model, dmoe_tensors** state, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(state, "state");
    const ExclusiveUse use(source.use);
    *state = new dmoe_tensors(source.model->state());
  });
}

int32_t dmoe_model_load_state(dmoe_model* model, const dmoe_tensors* state, dmoe_error** error) {
  return guard(error, [&] {
    dmoe_model& target = checked(model, "model");
    const dmoe_tensors& source = checked(state, "state");
    const ExclusiveUse use(target.use);
    target.model->load_state(source.tensors, "state");
  });
}
