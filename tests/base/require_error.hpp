#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/base.hpp"

namespace deepmoe {

/// Runs `action`, which must throw an Error of this code whose message contains every part.
template <class Action>
void require_error(ErrorCode code, const std::vector<std::string>& parts, const Action& action) {
  bool thrown = false;
  try {
    action();
  } catch (const Error& error) {
    thrown = true;
    const std::string message = error.what();
    CAPTURE(message);
    CHECK(error.code() == code);
    for (const std::string& part : parts) {
      CAPTURE(part);
      CHECK(message.find(part) != std::string::npos);
    }
  }
  CAPTURE(join(parts));
  CHECK(thrown);
}

}  // namespace deepmoe
