/* A backbone as a plugin: two convolutions, the first with a gate for each of its 16 channels.
 *
 *   deepmoe train --plugin ./libsample_backbone.so --model sample_backbone:tiny --epochs 3
 */
#include <deepmoe_plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const dmoe_plugin_api* api;

/* Gates multiply channels after batch norm, by what a linear map makes of the embedding. The two numbers are
 * filled in. */
static const char network[] =
    "{\"format\": 1, \"model\": \"tiny\", \"image_channels\": 3, \"image_size\": %ld, \"nodes\": ["
    "{\"name\": \"image\", \"operation\": \"input\", \"inputs\": []},"
    "{\"name\": \"look\", \"operation\": \"conv\", \"inputs\": [\"image\"], \"parameters\": \"embedding.0\","
    " \"channels\": 8, \"kernel\": 3, \"stride\": 2, \"padding\": 1, \"bias\": true},"
    "{\"name\": \"look_gelu\", \"operation\": \"gelu\", \"inputs\": [\"look\"]},"
    "{\"name\": \"look_pool\", \"operation\": \"avg_pool\", \"inputs\": [\"look_gelu\"]},"
    "{\"name\": \"embedding\", \"operation\": \"flatten\", \"inputs\": [\"look_pool\"]},"
    "{\"name\": \"embedding_logits\", \"operation\": \"linear\", \"inputs\": [\"embedding\"],"
    " \"parameters\": \"embedding_classifier\", \"channels\": %ld},"
    "{\"name\": \"conv1\", \"operation\": \"conv\", \"inputs\": [\"image\"], \"parameters\": \"conv1\","
    " \"channels\": 16, \"kernel\": 3, \"stride\": 2, \"padding\": 1, \"bias\": true},"
    "{\"name\": \"bn1\", \"operation\": \"batch_norm\", \"inputs\": [\"conv1\"], \"parameters\": \"bn1\"},"
    "{\"name\": \"gate1\", \"operation\": \"gate\", \"inputs\": [\"bn1\", \"embedding\"], \"parameters\": "
    "\"gate1\", \"bias\": true},"
    "{\"name\": \"relu1\", \"operation\": \"relu\", \"inputs\": [\"gate1\"]},"
    "{\"name\": \"conv2\", \"operation\": \"conv\", \"inputs\": [\"relu1\"], \"parameters\": \"conv2\","
    " \"channels\": 32, \"kernel\": 3, \"stride\": 2, \"padding\": 1},"
    "{\"name\": \"bn2\", \"operation\": \"batch_norm\", \"inputs\": [\"conv2\"], \"parameters\": \"bn2\"},"
    "{\"name\": \"relu2\", \"operation\": \"relu\", \"inputs\": [\"bn2\"]},"
    "{\"name\": \"pool\", \"operation\": \"avg_pool\", \"inputs\": [\"relu2\"]},"
    "{\"name\": \"features\", \"operation\": \"flatten\", \"inputs\": [\"pool\"]},"
    "{\"name\": \"logits\", \"operation\": \"linear\", \"inputs\": [\"features\"], \"parameters\": \"fc\","
    " \"channels\": %ld}],"
    "\"outputs\": {\"logits\": \"logits\", \"embedding\": \"embedding\", \"embedding_logits\": "
    "\"embedding_logits\"}}";

/* The whole number behind "name": in the options, whose JSON has no spaces; 0 where there is none. */
static long option(const char* options_json, const char* name) {
  char key[64];
  const char* found;
  snprintf(key, sizeof key, "\"%s\":", name);
  found = strstr(options_json, key);
  return found != NULL ? strtol(found + strlen(key), NULL, 10) : 0;
}

static int32_t build(const char* options_json, dmoe_plugin_text* architecture, dmoe_plugin_text* error) {
  const long classes = option(options_json, "num_classes"), side = option(options_json, "image_size");
  char text[sizeof network + 64];
  if (side < 8) return api->fail(error, 1, "images must have 8 pixels a side or more");
  return api->put(architecture, text, snprintf(text, sizeof text, network, side, classes, classes));
}

static const dmoe_plugin_backbone tiny = {DMOE_PLUGIN_TABLE(dmoe_plugin_backbone), "tiny",
                                          "two convolutions, one of them gated", build};
static const dmoe_plugin_backbone* const backbones[] = {&tiny, NULL};
static const dmoe_plugin_table table = {
    DMOE_PLUGIN_TABLE(dmoe_plugin_table), "sample_backbone", "A backbone in C", NULL, NULL, backbones, NULL};

const dmoe_plugin_table* dmoe_plugin_entry(const dmoe_plugin_door* door) {
  api = door->api(DMOE_PLUGIN_VERSION);
  if (api == NULL) {
    door->refuse(door, "it needs a newer libdeepmoe");
    return NULL;
  }
  return &table;
}
