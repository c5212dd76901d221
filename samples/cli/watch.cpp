#include "watch.hpp"

#include <iostream>

namespace deepmoe::command {

std::int32_t Watch::receive(std::int32_t event, const char* json, void* watch) {
  auto& self = *static_cast<Watch*>(watch);
  try {
    if (self.shown_) self.progress.show(event, nlohmann::ordered_json::parse(json));
  } catch (...) {
    // Exceptions must not pass through the library.
    self.failure_ = std::current_exception();
    return interrupted;
  }
  return InterruptGuard::requested() ? interrupted : 0;
}

int stopped(const std::string& more) {
  std::cerr << "deepmoe: interrupted" << more << "\n";
  return interrupted;
}

}  // namespace deepmoe::command
