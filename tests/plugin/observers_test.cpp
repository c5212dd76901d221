#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "plugin/plugin.hpp"
#include "plugin_files.hpp"

using namespace deepmoe;

namespace {

std::vector<std::shared_ptr<const Plugin>> plugin(const std::string& name) {
  return {load_plugin(plugin_file(name))};
}

constexpr std::int32_t step = 2, epoch = 3, saved = 4;

}  // namespace

TEST_CASE("an observer ends a run by its wish or its failure") {
  const Options options;
  {
    Observers observers(plugin("first_version"), options);
    CHECK_FALSE(observers.empty());
    CHECK_FALSE(observers.notify(step, "{}"));
    observers.rethrow();
    CHECK(observers.notify(epoch, "{}"));
    require_error(ErrorCode::cancelled, {"observer 'end'", plugin_file("first_version")},
                  [&] { observers.rethrow(); });
  }
  Observers observers(plugin("first_version"), options);
  CHECK(observers.notify(saved, "{}"));
  require_error(ErrorCode::io, {plugin_file("first_version"), "the disk of the observer is full"},
                [&] { observers.rethrow(); });
  // The first reason stays.
  CHECK(observers.notify(epoch, "{}"));
  require_error(ErrorCode::io, {"the disk of the observer is full"}, [&] { observers.rethrow(); });
}

TEST_CASE("an observer that throws is a failure with the file and the reason") {
  const Options options;
  {
    const Fault fault("observer create fails");
    require_error(ErrorCode::unsupported, {plugin_file("faulty"), "nothing to see"},
                  [&] { Observers(plugin("faulty"), options); });
  }
  Observers observers(plugin("faulty"), options);
  CHECK_FALSE(observers.notify(step, "{}"));
  const Fault fault("observer throws");
  CHECK(observers.notify(step, "{}"));
  require_error(ErrorCode::internal, {plugin_file("faulty"), "event", "the observer saw too much"},
                [&] { observers.rethrow(); });
}

TEST_CASE("an observer that throws at its release is logged with the file") {
  std::string message;
  set_log_sink([&](LogLevel, const std::string& text) { message = text; });
  {
    const Fault fault("observer release throws");
    const Observers observers(plugin("faulty"), Options());
  }
  set_log_sink({});
  CHECK(message.find(plugin_file("faulty")) != std::string::npos);
  CHECK(message.find("release") != std::string::npos);
}

TEST_CASE("plugins without observers have none") {
  CHECK(Observers(plugin("sample_dataset"), Options()).empty());
}
