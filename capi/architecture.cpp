#include "architecture/architecture.hpp"

#include <nlohmann/json.hpp>

#include "guard.hpp"
#include "objects.hpp"
#include "plugin/plugin.hpp"
#include "resolved_options.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

Architecture described_by(const dmoe_options* options) {
  const Options& wishes = checked(options, "options").options;
  load_plugins(wishes);
  return build_architecture(resolve_sizes(wishes, default_num_classes, default_image_size));
}

}  // namespace

int32_t dmoe_architecture_names(dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    require(json, "json");
    *json = new_string(nlohmann::json(model_names()));
  });
}

int32_t dmoe_architecture_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    require(json, "json");
    *json = new_string(to_json(described_by(options)));
  });
}

int32_t dmoe_architecture_describe(const dmoe_options* options, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    require(json, "json");
    *json = new_string(describe(described_by(options)));
  });
}

int32_t dmoe_architecture_text(const dmoe_options* options, dmoe_string** text, dmoe_error** error) {
  return guard(error, [&] {
    require(text, "text");
    *text = new_string(to_text(described_by(options)));
  });
}
