#include "architecture/named_builders.hpp"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/base.hpp"

namespace deepmoe {
namespace {

struct Builders {
  std::mutex mutex;
  std::map<std::string, NamedBuilder> by_name;
};

Builders& builders() {
  static Builders all;
  return all;
}

}  // namespace

void add_builder(const std::string& name, NamedBuilder builder) {
  const std::lock_guard lock(builders().mutex);
  builders().by_name[name] = std::move(builder);
}

Architecture build_named(const std::string& name, const Options& options) {
  NamedBuilder builder;
  std::vector<std::string> names;
  {
    const std::lock_guard lock(builders().mutex);
    const auto& by_name = builders().by_name;
    if (const auto found = by_name.find(name); found != by_name.end()) builder = found->second;
    for (const auto& entry : by_name) names.push_back(entry.first);
  }
  if (!builder) {
    fail(ErrorCode::not_found, "model is '", name,
         "', but no plugin that is loaded has this backbone; name its file by option plugin",
         names.empty() ? "" : " (there are " + join(names) + ")", ".", suggestion(name, names));
  }
  return builder(options);
}

}  // namespace deepmoe
