// An outside program against libdeepmoe_runtime: sets an option and prints the library's version.
#include <deepmoe.hpp>
#include <iostream>

#if DEEPMOE_HAS_TRAINING
#error "functions of libdeepmoe are declared to a program that links libdeepmoe_runtime"
#endif

int main() {
  {
    const dmoe::Options options{{"model", "vgg11"}};
    if (options.get("model") != "vgg11") return 1;
  }
  std::cout << dmoe::version() << '\n';
  return dmoe::live_objects() == 0 ? 0 : 2;
}
