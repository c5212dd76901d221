#pragma once

#include <curl/curl.h>

#include <string>

namespace deepmoe {

/// What went wrong with a request, as libcurl tells it.
struct RequestFailure {
  CURLcode code = CURLE_OK;
  std::string reason;     ///< in libcurl's words
  long status = 0;        ///< HTTP's, 0 before there is one
  long proxy_status = 0;  ///< what a proxy answered to the wish for a tunnel, 0 without one
};

/// Whether the same request may well succeed in a moment.
bool may_pass(const RequestFailure& failure);

/// Throws the Error of a request for `url`: not_found where the server lacks the file, else io. It says what
/// to do; the last resort is to put the file at `by_hand`.
[[noreturn]] void fail_of_request(const RequestFailure& failure, const std::string& url,
                                  const std::string& by_hand);

}  // namespace deepmoe
