/* A gate metric as a plugin: how many experts of each layer the images use, on average.
 *
 *   deepmoe eval --plugin ./libsample_gate_metric.so --weights runs/x/best.safetensors --json
 */
#include <deepmoe_plugin.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_LAYERS = 512 };

static const dmoe_plugin_api* api;

/* What `create` makes and `release` frees. */
typedef struct Counts {
  int64_t layers;
  double active[MOST_LAYERS], images[MOST_LAYERS];
} Counts;

static int32_t create(const char* network_json, void** metric, dmoe_plugin_text* error) {
  Counts* counts = calloc(1, sizeof *counts);
  (void)network_json;
  if (counts == NULL) return api->fail(error, 6, "no memory for the counts");
  *metric = counts;
  return 0;
}

static int32_t add(void* metric, int64_t layer, const float* gates, int64_t images, int64_t experts,
                   dmoe_plugin_text* error) {
  Counts* counts = metric;
  if (layer >= MOST_LAYERS) return api->fail(error, 5, "there are more layers than this metric can count");
  if (layer >= counts->layers) counts->layers = layer + 1;
  counts->images[layer] += (double)images;
  for (int64_t i = 0; i < images * experts; ++i) counts->active[layer] += gates[i] > 0 ? 1 : 0;
  return 0;
}

static int32_t read(void* metric, dmoe_plugin_text* json, dmoe_plugin_text* error) {
  const Counts* counts = metric;
  char text[MOST_LAYERS * 24 + 3];
  int length = 0;
  (void)error;
  for (int64_t layer = 0; layer < counts->layers; ++layer) {
    length += snprintf(text + length, sizeof text - (size_t)length, "%s%.6g", layer == 0 ? "[" : ",",
                       counts->active[layer] / counts->images[layer]);
  }
  length += snprintf(text + length, sizeof text - (size_t)length, "%s", length == 0 ? "[]" : "]");
  return api->put(json, text, length);
}

static void release(void* metric) { free(metric); }

static const dmoe_plugin_gate_metric active = {DMOE_PLUGIN_TABLE(dmoe_plugin_gate_metric),
                                               "active",
                                               "active experts of each layer, the mean of the images",
                                               create,
                                               add,
                                               read,
                                               release};
static const dmoe_plugin_gate_metric* const gate_metrics[] = {&active, NULL};
static const dmoe_plugin_table table = {DMOE_PLUGIN_TABLE(dmoe_plugin_table),
                                        "sample_metric",
                                        "A gate metric in C",
                                        NULL,
                                        NULL,
                                        NULL,
                                        gate_metrics};

const dmoe_plugin_table* dmoe_plugin_entry(const dmoe_plugin_door* door) {
  api = door->api(DMOE_PLUGIN_VERSION);
  if (api == NULL) {
    door->refuse(door, "it needs a newer libdeepmoe");
    return NULL;
  }
  return &table;
}
