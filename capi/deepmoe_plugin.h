/*
 * deepmoe_plugin.h: how a shared library extends libdeepmoe without being linked to it.
 *
 * A plugin is a shared library with one symbol, dmoe_plugin_entry, which hands over a table of what the
 * plugin offers:
 *
 *   data sets     labelled images, asked for by option `dataset`: PLUGIN:NAME, e.g. sample:stripes
 *   observers     receive the events of every run of dmoe_trainer_fit
 *   backbones     networks as JSON, asked for by option `model`: PLUGIN:NAME           (since version 2)
 *   gate metrics  figures of the gates, in every evaluation                            (since version 2)
 *
 * It is loaded where option `plugin` names its file (deepmoe train --plugin ./libsample.so), or by
 * dmoe_plugin_load; files that nobody names are never looked for. A library that was loaded stays so until
 * the process ends. It needs nothing but this header: no C++, and no function of libdeepmoe.
 *
 * Versions. A plugin asks the host for the API of the version that it was built against, before anything
 * else, and the host answers NULL when it is older than that. Tables only grow at their end, so that an old
 * table is a prefix of a new one, and each begins with the version it was built against and its size in
 * bytes: fill both with DMOE_PLUGIN_TABLE. A newer host takes what an older plugin has and does without what
 * it lacks. Members that end a table must not be assumed in a host's table of an older version than theirs.
 *
 * Ownership. Who made a thing releases it: what a plugin's open or create gave is handed back to its close or
 * release, once. Text that a plugin gives (errors, JSON) is copied into the host's memory by
 * dmoe_plugin_api's functions. Tables and the texts that they point to must live as long as the library. What
 * a function receives is valid during the call.
 *
 * Errors. A function that can fail returns 0, or a status of deepmoe_runtime.h's DMOE_ERROR_* (1 to 10;
 * another value counts as 10, internal) after it has put words into `error`, which api->fail does in one:
 * return api->fail(error, 2, "no images"). The host puts the file's name before them. On failure outputs are
 * not read.
 *
 * Exceptions must not leave a plugin's functions, nor a panic: each must catch its own. The host catches what
 * can be caught nevertheless and reports it as a failure of the plugin; the functions that it offers never
 * throw.
 *
 * Threads. Unless its comment says otherwise, a function is called by one thread at a time for one object,
 * which need not be the same thread each time; different objects may be used at the same time.
 */
#ifndef DEEPMOE_PLUGIN_H
#define DEEPMOE_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. Each adds members to the end of tables and changes none. */
#define DMOE_PLUGIN_VERSION 2

/* The first two members of a table. */
#define DMOE_PLUGIN_TABLE(type) DMOE_PLUGIN_VERSION, (int32_t)sizeof(type)

/* Where text for the host goes: an error's words, or JSON, nested 100 deep at most. It belongs to the host
 * and is valid during the call. */
typedef struct dmoe_plugin_text dmoe_plugin_text;

/* What the host offers. It lives as long as the process; any thread may call its functions. */
typedef struct dmoe_plugin_api {
  int32_t version; /* of the host, at least the one that was asked for */
  int32_t size;    /* of this table in bytes */
  /* Copies `size` bytes of UTF-8 into `text`, replacing what it held. Returns 0, or a status when memory is
   * short or an argument is wrong, which the caller returns. */
  int32_t (*put)(dmoe_plugin_text* text, const char* bytes, int64_t size);
  /* Copies the zero-terminated `message` (NULL counts as "") into `error` and returns `status`, or 10 for 0.
   */
  int32_t (*fail)(dmoe_plugin_text* error, int32_t status, const char* message);
  /* Since 2. Writes one message to the host's log: level 0 error, 1 warning, 2 information, 3 debugging. */
  void (*log)(int32_t level, const char* message);
} dmoe_plugin_api;

/* ---- Data sets ----------------------------------------------------------------------------------------- */

/* Labelled images of 8 bits, all of one size. */
typedef struct dmoe_plugin_dataset {
  int32_t version, size;
  const char* name;    /* 1 to 64 letters, digits, '_', '-' and '.' */
  const char* summary; /* one line for people; may be NULL */
  /* Opens a split, "train" or "test". `options_json` is an object with the value of every option
   * (docs/options.md), so that a data set may go by data_dir, seed, image_size, num_classes, ... */
  int32_t (*open)(const char* split, const char* options_json, void** dataset, dmoe_plugin_text* error);
  /* {"size", "channels", "height", "width", "num_classes", "class_names", "mean", "deviation"} as JSON: how
   * many images there are (1 to 100000000), their channels (1 grey, 3 RGB) and sides in pixels (1 to 8192).
   * Either num_classes or class_names may be left out. mean and deviation are 3 numbers for images on the
   * scale from 0 to 1; left out, the usual ones are taken. */
  int32_t (*describe)(void* dataset, dmoe_plugin_text* json, dmoe_plugin_text* error);
  /* Writes all labels, `count` of them, each from 0 to num_classes - 1. */
  int32_t (*labels)(void* dataset, int64_t* labels, int64_t count, dmoe_plugin_text* error);
  /* Writes image `index` (0 to size - 1): height x width x channels bytes, channels fastest; `capacity` is
   * their number, and no more must be written. Several threads call it at the same time; the same index must
   * give the same image. */
  int32_t (*image)(void* dataset, int64_t index, uint8_t* pixels, int64_t capacity, dmoe_plugin_text* error);
  /* May be called by any thread. */
  void (*close)(void* dataset);
} dmoe_plugin_dataset;

/* ---- Observers ----------------------------------------------------------------------------------------- */

/* One is made for each run of dmoe_trainer_fit whose option `plugin` names the plugin. */
typedef struct dmoe_plugin_observer {
  int32_t version, size;
  const char* name;    /* as in dmoe_plugin_dataset */
  const char* summary; /* one line for people; may be NULL */
  /* Before the run does anything. `options_json` as above. */
  int32_t (*create)(const char* options_json, void** observer, dmoe_plugin_text* error);
  /* An event of the run: DMOE_EVENT_* of deepmoe.h with its JSON object. `*stop` is 0; set to another value
   * it ends the run as an interruption does: the step under way is finished and everything is saved. A
   * failure ends it in the same way, with the failure as the call's error; no event comes after that. */
  int32_t (*event)(void* observer, int32_t event, const char* json, int32_t* stop, dmoe_plugin_text* error);
  /* After the run, however it ended. */
  void (*release)(void* observer);
} dmoe_plugin_observer;

/* ---- Backbones (since 2) ------------------------------------------------------------------------------- */

/* A network as data, which the library trains, costs, compiles and exports like its own. */
typedef struct dmoe_plugin_backbone {
  int32_t version, size;
  const char* name;    /* as in dmoe_plugin_dataset */
  const char* summary; /* one line for people; may be NULL */
  /* Puts the network into `architecture`, in the form that dmoe_architecture_json gives. Options num_classes
   * and image_size in `options_json` are resolved, not 0; the network must be for these and for 3 channels.
   * The host checks all of it. May be called by several threads. */
  int32_t (*build)(const char* options_json, dmoe_plugin_text* architecture, dmoe_plugin_text* error);
} dmoe_plugin_backbone;

/* ---- Gate metrics (since 2) ---------------------------------------------------------------------------- */

/* One is made for each evaluation of a gated network whose option `plugin` names the plugin; what it reads
 * stands under "gate_metrics" in the evaluation's result, named PLUGIN:NAME. */
typedef struct dmoe_plugin_gate_metric {
  int32_t version, size;
  const char* name;    /* as in dmoe_plugin_dataset */
  const char* summary; /* one line for people; may be NULL */
  /* `network_json` is {"model", "layers": [{"name", "experts"}]}, the layers with gates in network order. */
  int32_t (*create)(const char* network_json, void** metric, dmoe_plugin_text* error);
  /* The gates of one layer for a batch: images x experts numbers, experts fastest, not negative; a gate of 0
   * is an expert that is not active. Each batch comes once for each layer, in their order. */
  int32_t (*add)(void* metric, int64_t layer, const float* gates, int64_t images, int64_t experts,
                 dmoe_plugin_text* error);
  /* Puts the figure into `json`: any JSON value, e.g. a number, or an array of one for each layer. Called
   * once, at the end. */
  int32_t (*read)(void* metric, dmoe_plugin_text* json, dmoe_plugin_text* error);
  void (*release)(void* metric);
} dmoe_plugin_gate_metric;

/* ---- The plugin ---------------------------------------------------------------------------------------- */

/* What a plugin offers. Each list ends with NULL after at most 1000 tables; NULL in place of a list is an
 * empty one. */
typedef struct dmoe_plugin_table {
  int32_t version, size;
  const char*
      name; /* the word before the colon, as in dmoe_plugin_dataset; unique among the plugins of a process */
  const char* summary; /* one line for people; may be NULL */
  const dmoe_plugin_dataset* const* datasets;
  const dmoe_plugin_observer* const* observers;
  /* Since 2. */
  const dmoe_plugin_backbone* const* backbones;
  const dmoe_plugin_gate_metric* const* gate_metrics;
} dmoe_plugin_table;

/* How plugin and host meet. This struct never changes. */
typedef struct dmoe_plugin_door {
  /* The version of the host. */
  int32_t version;
  /* The API of `version`, or NULL when the host is older, or no longer takes plugins so old. */
  const dmoe_plugin_api* (*api)(int32_t version);
  /* Says why there is no table, where there may be no API to say it with. */
  void (*refuse)(const struct dmoe_plugin_door* door, const char* why);
} dmoe_plugin_door;

/* What the library must export. Returns its table; or NULL after door->refuse, above all when
 * door->api(DMOE_PLUGIN_VERSION) is NULL. Called once for each loading of the file, and one call at a time;
 * nothing else of the plugin is called before. `door` is valid during the call, the API longer. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const dmoe_plugin_table*
dmoe_plugin_entry(const dmoe_plugin_door* door);

#ifdef __cplusplus
}
#endif

#endif /* DEEPMOE_PLUGIN_H */
