#include "data/fetch_failure.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

RequestFailure http(long status) { return {CURLE_HTTP_RETURNED_ERROR, "reason", status, 0}; }

void expect(const RequestFailure& failure, ErrorCode code, const std::vector<std::string>& parts) {
  std::vector<std::string> all = {"https://host/file", "reason", "data/by_hand", "fetch again"};
  all.insert(all.end(), parts.begin(), parts.end());
  require_error(code, all, [&] { fail_of_request(failure, "https://host/file", "data/by_hand"); });
}

/// No proxy, whatever the environment of the tests says.
struct NoProxy {
  NoProxy() {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
      unsetenv(name);
  }
};

}  // namespace

TEST_CASE("what may pass is tried again and what will not is not") {
  for (const CURLcode code :
       {CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_OPERATION_TIMEDOUT}) {
    CAPTURE(code);
    CHECK(may_pass({code, "", 0, 0}));
  }
  for (const CURLcode code : {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
                              CURLE_PEER_FAILED_VERIFICATION, CURLE_WRITE_ERROR, CURLE_ABORTED_BY_CALLBACK}) {
    CAPTURE(code);
    CHECK_FALSE(may_pass({code, "", 0, 0}));
  }
  for (const long status : {408L, 429L, 500L, 503L}) CHECK(may_pass(http(status)));
  for (const long status : {401L, 403L, 404L, 407L, 410L}) CHECK_FALSE(may_pass(http(status)));
  // A proxy that refuses a tunnel ends the connection.
  CHECK_FALSE(may_pass({CURLE_RECV_ERROR, "", 0, 403}));
}

TEST_CASE_FIXTURE(NoProxy, "each failure says what to do") {
  expect({CURLE_COULDNT_RESOLVE_HOST, "reason", 0, 0}, ErrorCode::io, {"Check the network", "https_proxy"});
  expect({CURLE_PEER_FAILED_VERIFICATION, "reason", 0, 0}, ErrorCode::io,
         {"ca-certificates", "SSL_CERT_FILE"});
  expect({CURLE_TOO_MANY_REDIRECTS, "reason", 302, 0}, ErrorCode::io, {"another address"});
  expect(http(404), ErrorCode::not_found, {"HTTP status 404", "another address"});
  expect(http(410), ErrorCode::not_found, {"another address"});
  expect(http(403), ErrorCode::io, {"HTTP status 403", "does not let you"});
  expect(http(503), ErrorCode::io, {"HTTP status 503", "later"});
  setenv("https_proxy", "http://proxy:3128", 1);
  expect({CURLE_COULDNT_CONNECT, "reason", 0, 0}, ErrorCode::io,
         {"the environment variable https_proxy names"});
  expect(http(407), ErrorCode::io, {"The proxy refused (status 407)", "correct https_proxy", "no_proxy"});
  expect({CURLE_RECV_ERROR, "reason", 0, 403}, ErrorCode::io, {"The proxy refused (status 403)"});
  unsetenv("https_proxy");
}
