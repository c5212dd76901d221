#include "plugin/plugin_call.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace deepmoe;

TEST_CASE("what the host offers to plugins takes wrong arguments without harm") {
  const dmoe_plugin_api& api = plugin_api();
  constexpr std::int32_t wrong = 1, internal = 10;
  dmoe_plugin_text text;
  CHECK(api.put(&text, "four", 4) == 0);
  CHECK(api.put(nullptr, "four", 4) == wrong);
  CHECK(api.put(&text, nullptr, 4) == wrong);
  CHECK(api.put(&text, "four", -1) == wrong);
  CHECK(text.value == "four");
  CHECK(api.put(&text, nullptr, 0) == 0);
  CHECK(text.value.empty());

  CHECK(api.fail(&text, 3, "the disk is full") == 3);
  CHECK(text.value == "the disk is full");
  CHECK(api.fail(&text, 0, nullptr) == internal);
  CHECK(text.value.empty());
  CHECK(api.fail(nullptr, 3, "nobody hears") == 3);
}

TEST_CASE("a plugin's message of an unknown level is logged as information") {
  LogLevel seen = LogLevel::error;
  std::string message;
  set_log_sink([&](LogLevel level, const std::string& text) {
    seen = level;
    message = text;
  });
  plugin_api().log(99, "over the top");
  plugin_api().log(0, nullptr);
  set_log_sink({});
  CHECK(message == "over the top");
  CHECK(seen == LogLevel::info);
}
