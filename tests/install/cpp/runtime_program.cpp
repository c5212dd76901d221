// An outside program against libdeepmoe_runtime: prints the library's version.
#include <deepmoe_runtime.h>

#include <iostream>

int main() {
  dmoe_options* options = nullptr;
  if (dmoe_options_create(&options, nullptr) != DMOE_OK) return 1;
  dmoe_options_release(options);
  std::cout << dmoe_version() << '\n';
  return dmoe_live_objects(DMOE_KIND_ALL) == 0 ? 0 : 2;
}
