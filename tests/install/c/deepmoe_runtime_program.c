/* An outside program against libdeepmoe_runtime: prints the library's version. */
#include <deepmoe_runtime.h>
#include <stdio.h>

int main(void) {
  dmoe_options* options = NULL;
  dmoe_error* error = NULL;
  if (dmoe_options_create(&options, &error) != DMOE_OK) {
    fprintf(stderr, "%s\n", dmoe_error_message(error));
    dmoe_error_release(error);
    return 1;
  }
  dmoe_options_release(options);
  puts(dmoe_version());
  return dmoe_live_objects(DMOE_KIND_ALL) == 0 ? 0 : 2;
}
