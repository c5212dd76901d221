/* A data set as a plugin: stripes that lie, stand or lean, which are the three classes.
 *
 *   deepmoe train --plugin ./libsample_dataset.so --dataset sample:stripes --epochs 3
 */
#include <deepmoe_plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, CLASSES = 3, TRAINING_IMAGES = 600, TEST_IMAGES = 150 };

static const dmoe_plugin_api* api;

/* What `open` makes and `close` frees. */
typedef struct Stripes {
  int64_t size, first; /* the halves are different images of one endless row */
} Stripes;

static int32_t open_split(const char* split, const char* options_json, void** dataset,
                          dmoe_plugin_text* error) {
  Stripes* stripes = malloc(sizeof *stripes);
  (void)options_json;
  if (stripes == NULL) return api->fail(error, 6, "no memory for the stripes");
  stripes->size = strcmp(split, "train") == 0 ? TRAINING_IMAGES : TEST_IMAGES;
  stripes->first = strcmp(split, "train") == 0 ? 0 : TRAINING_IMAGES;
  *dataset = stripes;
  return 0;
}

static int32_t describe(void* dataset, dmoe_plugin_text* json, dmoe_plugin_text* error) {
  const Stripes* stripes = dataset;
  char text[256];
  const int length = snprintf(text, sizeof text,
                              "{\"size\": %d, \"channels\": 3, \"height\": %d, \"width\": %d, "
                              "\"class_names\": [\"lying\", \"standing\", \"leaning\"]}",
                              (int)stripes->size, SIDE, SIDE);
  (void)error;
  return api->put(json, text, length);
}

static int32_t labels(void* dataset, int64_t* values, int64_t count, dmoe_plugin_text* error) {
  const Stripes* stripes = dataset;
  (void)error;
  for (int64_t i = 0; i < count; ++i) values[i] = (stripes->first + i) % CLASSES;
  return 0;
}

/* Everything about an image follows from its number, so that any thread may ask for any of them. */
static int32_t image(void* dataset, int64_t index, uint8_t* pixels, int64_t capacity,
                     dmoe_plugin_text* error) {
  const Stripes* stripes = dataset;
  const uint32_t number = (uint32_t)(stripes->first + index);
  const uint32_t noise = number * 2654435761u;
  const int width = 2 + (int)(noise >> 8) % 4, offset = (int)(noise >> 16) % 16;
  if (capacity != SIDE * SIDE * 3) return api->fail(error, 1, "an image has 32 x 32 pixels of 3 channels");
  for (int row = 0; row < SIDE; ++row) {
    for (int column = 0; column < SIDE; ++column) {
      const int across = number % CLASSES == 0 ? row : number % CLASSES == 1 ? column : row + column;
      const int bright = (across + offset) / width % 2;
      for (int channel = 0; channel < 3; ++channel) {
        pixels[(row * SIDE + column) * 3 + channel] =
            (uint8_t)(bright ? 255 - (noise >> (8 * channel)) % 64 : 30);
      }
    }
  }
  return 0;
}

static void close_split(void* dataset) { free(dataset); }

static const dmoe_plugin_dataset stripes = {DMOE_PLUGIN_TABLE(dmoe_plugin_dataset),
                                            "stripes",
                                            "stripes that lie, stand or lean, 32 x 32",
                                            open_split,
                                            describe,
                                            labels,
                                            image,
                                            close_split};
static const dmoe_plugin_dataset* const datasets[] = {&stripes, NULL};
static const dmoe_plugin_table table = {
    DMOE_PLUGIN_TABLE(dmoe_plugin_table), "sample", "A data set in C", datasets, NULL, NULL, NULL};

const dmoe_plugin_table* dmoe_plugin_entry(const dmoe_plugin_door* door) {
  api = door->api(DMOE_PLUGIN_VERSION);
  if (api == NULL) {
    door->refuse(door, "it needs a newer libdeepmoe");
    return NULL;
  }
  return &table;
}
