/* Compiled, not run: the plugins' header needs nothing of the others. */
#include "deepmoe_plugin.h"

#ifdef DEEPMOE_RUNTIME_H
#error "deepmoe_plugin.h must not include deepmoe_runtime.h"
#endif

static const dmoe_plugin_table table = {DMOE_PLUGIN_TABLE(dmoe_plugin_table), "x", 0, 0, 0, 0, 0};

const dmoe_plugin_table* dmoe_plugin_entry(const dmoe_plugin_door* door) {
  return door->api(DMOE_PLUGIN_VERSION) != 0 ? &table : 0;
}
