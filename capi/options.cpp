#include "options/options.hpp"

#include <nlohmann/json.hpp>

#include "guard.hpp"
#include "json_argument.hpp"
#include "objects.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

int32_t dmoe_options_create(dmoe_options** options, dmoe_error** error) {
  return guard(error, [&] {
    require(options, "options");
    *options = new dmoe_options;
  });
}

int32_t dmoe_options_copy(const dmoe_options* options, dmoe_options** copy, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_options& original = checked(options, "options");
    require(copy, "copy");
    *copy = new dmoe_options(original.options);
  });
}

void dmoe_options_release(dmoe_options* options) { release(options); }

int32_t dmoe_options_set(dmoe_options* options, const char* name, const char* value, dmoe_error** error) {
  return guard(error, [&] {
    dmoe_options& target = checked(options, "options");
    require(name, "name");
    require(value, "value");
    target.options.set(name, value, OptionSource::flag);
  });
}

int32_t dmoe_options_set_json(dmoe_options* options, const char* json, dmoe_error** error) {
  return guard(error, [&] {
    dmoe_options& target = checked(options, "options");
    target.options.set_json(json_object(json, "json"), OptionSource::flag);
  });
}

int32_t dmoe_options_load_file(dmoe_options* options, const char* path, dmoe_error** error) {
  return guard(error, [&] {
    dmoe_options& target = checked(options, "options");
    require(path, "path");
    target.options.load_file(path);
  });
}

int32_t dmoe_options_read_environment(dmoe_options* options, dmoe_error** error) {
  return guard(error, [&] { checked(options, "options").options.read_environment(); });
}

int32_t dmoe_options_get(const dmoe_options* options, const char* name, dmoe_string** value,
                         dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_options& source = checked(options, "options");
    require(name, "name");
    require(value, "value");
    *value = new_string(source.options.value(name));
  });
}

int32_t dmoe_options_to_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_options& source = checked(options, "options");
    require(json, "json");
    *json = new_string(source.options.resolved());
  });
}

int32_t dmoe_options_schema(dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    require(json, "json");
    *json = new_string(options_schema());
  });
}
