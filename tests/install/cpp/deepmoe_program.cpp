// An outside program against libdeepmoe: makes a data set, meets an error and prints the library's version.
#include <cstdint>
#include <deepmoe.hpp>
#include <iostream>
#include <vector>

int main() {
  {
    const std::vector<float> images(2 * 3 * 4 * 4);
    const std::vector<std::int64_t> labels = {0, 1};
    const auto dataset = dmoe::Dataset::of(images, labels, 4, 4, 2);
    if (dataset.size() != 2) return 1;
    try {
      dmoe::Options().set("no_such_option", "1");
      return 2;
    } catch (const dmoe::Error& error) {
      if (error.code() != DMOE_ERROR_NOT_FOUND) return 3;
    }
  }
  std::cout << dmoe::version() << '\n';
  return dmoe::live_objects() == 0 ? 0 : 4;
}
