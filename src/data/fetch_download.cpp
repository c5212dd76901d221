#include "data/fetch_download.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <thread>

#include "base/base.hpp"
#include "data/fetch_failure.hpp"

namespace deepmoe {
namespace {

using ProgressFunction = std::function<bool(std::int64_t, std::int64_t)>;

constexpr int attempts_without_a_byte = 4;
constexpr long connection_seconds = 30;
constexpr long silence_seconds = 60;
constexpr long most_redirections = 10;

struct Release {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

/// One request, from where the partial file ends.
class Request {
 public:
  Request(const DownloadSettings& settings, PartialFile& part, const ProgressFunction& progress)
      : settings_(settings), part_(part), progress_(progress), start_(part.size()) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    handle_.reset(ready == CURLE_OK ? curl_easy_init() : nullptr);
    if (handle_ == nullptr) throw std::bad_alloc();
    set(CURLOPT_URL, settings.url.c_str());
    // Nothing but these, after redirections too: a server must not name files of this machine.
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    set(CURLOPT_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
    set(CURLOPT_REDIR_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
#endif
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, most_redirections);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "libdeepmoe");
    set(CURLOPT_CONNECTTIMEOUT, connection_seconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, silence_seconds);
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(reason_));
    set(CURLOPT_WRITEFUNCTION, &Request::receive);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Request::report);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
    if (const char* authorities = std::getenv("SSL_CERT_FILE")) set(CURLOPT_CAINFO, authorities);
    if (start_ > 0) set(CURLOPT_RANGE, concat(start_, "-").c_str());
  }

  /// Nothing when the file is there as far as the server is concerned.
  std::optional<RequestFailure> perform() {
    RequestFailure failure;
    failure.code = curl_easy_perform(handle_.get());
    if (thrown_) std::rethrow_exception(thrown_);
    failure.reason = reason_[0] != '\0' ? reason_ : curl_easy_strerror(failure.code);
    failure.status = status();
    curl_easy_getinfo(handle_.get(), CURLINFO_HTTP_CONNECTCODE, &failure.proxy_status);
    if (failure.code == CURLE_OK) return std::nullopt;
    // There is nothing after the bytes that are here.
    if (failure.code == CURLE_HTTP_RETURNED_ERROR && failure.status == 416 && start_ > 0) return std::nullopt;
    return failure;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_.get(), option, value);
  }

  long status() const {
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  static std::size_t receive(char* bytes, std::size_t, std::size_t count, void* request) {
    auto& self = *static_cast<Request*>(request);
    return self.guarded([&] { self.append(std::as_bytes(std::span(bytes, count))); }) ? count : 0;
  }

  static int report(void* request, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& self = *static_cast<Request*>(request);
    return self.guarded([&] { self.show_progress(); }) ? 0 : 1;
  }

  /// Exceptions must not pass through libcurl; perform() throws them again.
  template <class Work>
  bool guarded(const Work& work) {
    if (thrown_) return false;
    try {
      work();
    } catch (...) {
      thrown_ = std::current_exception();
    }
    return !thrown_;
  }

  void append(std::span<const std::byte> bytes) {
    if (!begun_) begin();
    if (total_ > settings_.most_bytes ||
        static_cast<std::int64_t>(bytes.size()) > settings_.most_bytes - part_.size()) {
      fail(ErrorCode::format, settings_.url, " is not the archive: it has more than ", settings_.most_bytes,
           " bytes. Give another address as url");
    }
    part_.append(bytes);
  }

  /// The answer's head is there.
  void begin() {
    begun_ = true;
    const long code = status();
    if (code == 200 && part_.size() > 0) {
      log(LogLevel::info,
          concat("the server can't send a part of ", settings_.url, ", so all of it is downloaded anew"));
      part_.clear();
    }
    if (code != 200 && code != 206) {
      fail(ErrorCode::io, "can't download ", settings_.url, ": the server answered with HTTP status ", code,
           " instead of the file. Give another address as url");
    }
    curl_off_t length = -1;
    curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length >= 0) total_ = part_.size() + length;
  }

  void show_progress() const {
    if (!progress_ || progress_(part_.size(), total_)) return;
    fail(ErrorCode::cancelled, "the download was stopped; '", part_.path(), "' keeps what came (",
         part_.size(), " bytes), and fetching again goes on from there");
  }

  const DownloadSettings& settings_;
  PartialFile& part_;
  const ProgressFunction& progress_;
  const std::int64_t start_;
  std::unique_ptr<CURL, Release> handle_;
  char reason_[CURL_ERROR_SIZE] = "";
  std::exception_ptr thrown_;
  bool begun_ = false;
  std::int64_t total_ = -1;
};

/// Waits, and asks meanwhile whether to stop.
void pause(std::chrono::milliseconds time, const PartialFile& part, const ProgressFunction& progress) {
  constexpr std::chrono::milliseconds moment{100};
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (progress && !progress(part.size(), -1)) {
      fail(ErrorCode::cancelled, "the download was stopped while it waited for a better connection; '",
           part.path(), "' keeps what came (", part.size(), " bytes), and fetching again goes on from there");
    }
    std::this_thread::sleep_for(std::min(moment, time));
  }
}

}  // namespace

void download(const DownloadSettings& settings, PartialFile& part, const ProgressFunction& progress) {
  int attempts = 0;
  while (true) {
    const std::int64_t before = part.size();
    const std::optional<RequestFailure> failure = Request(settings, part, progress).perform();
    if (!failure) return;
    attempts = part.size() > before ? 1 : attempts + 1;
    if (!may_pass(*failure) || attempts == attempts_without_a_byte) {
      fail_of_request(*failure, settings.url, settings.by_hand);
    }
    log(LogLevel::info,
        concat("the connection broke after ", part.size(), " bytes (", failure->reason, "); trying again"));
    pause(settings.pause * (1 << (attempts - 1)), part, progress);
  }
}

}  // namespace deepmoe
