#include <nlohmann/json.hpp>

#include "deepmoe.h"
#include "guard.hpp"
#include "objects.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

/// The model's architecture for images of the size that its options say.
Architecture sized_architecture(const dmoe_model& model) {
  const ExclusiveUse use(model.use);
  Architecture architecture = model.model->architecture();
  const std::int64_t image_size = model.model->options().integer("image_size");
  infer_shapes(architecture, image_size);  // Throws where the weights fit no other size.
  architecture.image_size = image_size;
  return architecture;
}

}  // namespace

int32_t dmoe_model_architecture_describe(const dmoe_model* model, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(json, "json");
    *json = new_string(deepmoe::describe(sized_architecture(source)));
  });
}

int32_t dmoe_model_architecture_text(const dmoe_model* model, dmoe_string** text, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(text, "text");
    *text = new_string(to_text(sized_architecture(source)));
  });
}
