#include "data/fetch_failure.hpp"

#include <cstdlib>

#include "base/base.hpp"

namespace deepmoe {
namespace {

/// The environment variable that sends requests through a proxy, or nothing.
std::string proxy_variable(const std::string& url) {
  const bool secure = url.rfind("https:", 0) == 0;
  for (const char* name :
       {secure ? "https_proxy" : "http_proxy", secure ? "HTTPS_PROXY" : "", "all_proxy", "ALL_PROXY"}) {
    const char* const value = *name != '\0' ? std::getenv(name) : nullptr;
    if (value != nullptr && *value != '\0') return name;
  }
  return {};
}

std::string network_advice(const std::string& url) {
  const std::string variable = proxy_variable(url);
  if (variable.empty()) {
    return concat("Check the network; a proxy is named by the environment variable ",
                  url.rfind("https:", 0) == 0 ? "https_proxy" : "http_proxy");
  }
  return concat("Check the network, and the proxy that the environment variable ", variable, " names");
}

bool is_about_certificates(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR;
}

std::string advice(const RequestFailure& failure, const std::string& url) {
  if (failure.status == 407 || failure.proxy_status >= 400) {
    return concat("The proxy refused (status ",
                  failure.proxy_status >= 400 ? failure.proxy_status : failure.status, "): correct ",
                  proxy_variable(url),
                  ", with name and password if it wants them, or except the server "
                  "from it by no_proxy");
  }
  if (failure.status == 404 || failure.status == 410) return "Give another address of the archive as url";
  if (failure.status >= 500)
    return "The server is in trouble: try again later, or give another address as url";
  if (failure.status >= 400) return "The server does not let you have the file: give another address as url";
  if (is_about_certificates(failure.code)) {
    return "Install the package ca-certificates, check the clock, and name a certificate authority of your "
           "own "
           "network by the environment variable SSL_CERT_FILE";
  }
  if (failure.code == CURLE_TOO_MANY_REDIRECTS || failure.code == CURLE_UNSUPPORTED_PROTOCOL ||
      failure.code == CURLE_URL_MALFORMAT) {
    return "Give another address as url";
  }
  return network_advice(url);
}

}  // namespace

bool may_pass(const RequestFailure& failure) {
  switch (failure.code) {
    case CURLE_HTTP_RETURNED_ERROR:
      return failure.status == 408 || failure.status == 429 || failure.status >= 500;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_OPERATION_TIMEDOUT:
      return failure.proxy_status < 400;
    default:
      return false;
  }
}

void fail_of_request(const RequestFailure& failure, const std::string& url, const std::string& by_hand) {
  const bool absent = failure.status == 404 || failure.status == 410;
  const std::string status =
      failure.status >= 400 ? concat(" (HTTP status ", failure.status, ")") : std::string();
  fail(absent ? ErrorCode::not_found : ErrorCode::io, "can't download ", url, status, ": ", failure.reason,
       ". ", advice(failure, url), "; or bring the file here by other means, as '", by_hand,
       "', and fetch again. What was downloaded is kept");
}

}  // namespace deepmoe
