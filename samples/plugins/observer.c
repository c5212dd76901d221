/* An observer as a plugin: it writes each epoch to the log, and ends the run when there is a file STOP in the
 * current folder.
 *
 *   deepmoe train --plugin ./libsample_observer.so --epochs 100 &
 *   touch STOP
 */
#include <deepmoe_plugin.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENT_EPOCH = 3 }; /* DMOE_EVENT_EPOCH of deepmoe.h */

static const dmoe_plugin_api* api;

/* What `create` makes and `release` frees. */
typedef struct Watch {
  int64_t epochs;
} Watch;

static int32_t create(const char* options_json, void** observer, dmoe_plugin_text* error) {
  Watch* watch = calloc(1, sizeof *watch);
  (void)options_json;
  if (watch == NULL) return api->fail(error, 6, "no memory for the observer");
  *observer = watch;
  return 0;
}

static int32_t event(void* observer, int32_t kind, const char* json, int32_t* stop, dmoe_plugin_text* error) {
  Watch* watch = observer;
  FILE* file;
  char line[64];
  (void)json; /* the figures of the epoch, for whoever reads JSON */
  (void)error;
  if (kind == EVENT_EPOCH) {
    watch->epochs += 1;
    snprintf(line, sizeof line, "the sample observer saw %d epochs", (int)watch->epochs);
    api->log(2, line);
  }
  file = fopen("STOP", "r");
  if (file != NULL) {
    fclose(file);
    *stop = 1;
  }
  return 0;
}

static void release(void* observer) { free(observer); }

static const dmoe_plugin_observer watch = {DMOE_PLUGIN_TABLE(dmoe_plugin_observer),
                                           "watch",
                                           "logs epochs; ends the run when there is a file STOP",
                                           create,
                                           event,
                                           release};
static const dmoe_plugin_observer* const observers[] = {&watch, NULL};
static const dmoe_plugin_table table = {
    DMOE_PLUGIN_TABLE(dmoe_plugin_table), "sample_observer", "An observer in C", NULL, observers, NULL, NULL};

const dmoe_plugin_table* dmoe_plugin_entry(const dmoe_plugin_door* door) {
  api = door->api(DMOE_PLUGIN_VERSION);
  if (api == NULL) {
    door->refuse(door, "it needs a newer libdeepmoe");
    return NULL;
  }
  return &table;
}
