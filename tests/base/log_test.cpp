#include "base/log.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>
#include <vector>

using namespace deepmoe;

namespace {

/// Restores the default sink at the end of the case.
struct DefaultSinkAfterwards {
  ~DefaultSinkAfterwards() { set_log_sink({}); }
};

}  // namespace

TEST_CASE("the sink receives every message with its level") {
  const DefaultSinkAfterwards restore;
  std::vector<std::pair<LogLevel, std::string>> messages;
  set_log_sink([&](LogLevel level, const std::string& message) { messages.emplace_back(level, message); });
  log(LogLevel::error, "one");
  log(LogLevel::debug, "two");
  REQUIRE(messages.size() == 2);
  CHECK(messages[0] == std::pair(LogLevel::error, std::string("one")));
  CHECK(messages[1] == std::pair(LogLevel::debug, std::string("two")));
}

TEST_CASE("what a sink throws is dropped") {
  const DefaultSinkAfterwards restore;
  int calls = 0;
  set_log_sink([&](LogLevel, const std::string&) {
    ++calls;
    throw std::runtime_error("the receiver failed");
  });
  log(LogLevel::info, "one");
  log(LogLevel::info, "two");
  CHECK(calls == 2);
}

TEST_CASE("messages of many threads arrive one at a time") {
  const DefaultSinkAfterwards restore;
  int inside = 0, count = 0;
  bool overlapped = false;
  set_log_sink([&](LogLevel, const std::string&) {
    overlapped = overlapped || ++inside != 1;
    ++count;
    --inside;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 250; ++j) log(LogLevel::info, "message");
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(count == 1000);
  CHECK_FALSE(overlapped);
}
