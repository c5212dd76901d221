#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include "base/base.hpp"

namespace deepmoe {

/// Throws the Error for a refused system call on `path`: "can't <action> '<path>': <the system's reason>".
/// Every file is written so that what it held before outlasts a full disk, hence the consolation.
[[noreturn]] inline void fail_of_system(std::string_view action, const std::string& path, int reason) {
  const bool absent = reason == ENOENT || reason == ENOTDIR;
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  fail(absent             ? ErrorCode::not_found
       : reason == ENOMEM ? ErrorCode::out_of_memory
                          : ErrorCode::io,
       "can't ", action, " '", path, "': ", std::generic_category().message(reason),
       full ? "; what the file held before is still there" : "");
}

}  // namespace deepmoe
