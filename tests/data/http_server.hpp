#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace deepmoe {

/// A server for HTTP on this machine, which answers, breaks and stalls as a test tells it to. One request at
/// a time, one for each connection.
class HttpServer {
 public:
  struct Request {
    std::string path;
    std::int64_t range_start = -1;  ///< -1 without a range
  };
  struct Answer {
    int status = 200;
    std::string body = {};
    std::vector<std::string> headers = {};
    std::int64_t break_after = -1;  ///< bytes of the body after which the connection ends
    std::int64_t stall_after =
        -1;  ///< bytes of the body after which nothing comes, until the other side gives up
  };
  /// Called in the server's thread, never while another one takes its place.
  using Handler = std::function<Answer(const Request&)>;

  /// Serves one file.
  explicit HttpServer(const std::string& content)
      : HttpServer([content](const Request& request) { return file(content, request); }) {}
  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("can't serve on this machine");
    }
    port_ = ntohs(address.sin_port);
    // Whatever proxy the tests' environment names is not for this server.
    ::setenv("no_proxy", "127.0.0.1", 1);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& path = "/archive.tar.gz") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  /// From the next request on.
  void answer_by(Handler handler) {
    const std::lock_guard<std::mutex> lock(mutex_);
    handler_ = std::move(handler);
  }
  std::vector<Request> requests() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }

  /// The file, or the part of it that is asked for, as a well-made server sends it.
  static Answer file(const std::string& content, const Request& request) {
    if (request.range_start < 0) return {200, content};
    const auto start = static_cast<std::size_t>(request.range_start);
    const std::string size = std::to_string(content.size());
    if (start >= content.size()) return {416, "", {"Content-Range: bytes */" + size}};
    const std::string range = std::to_string(start) + "-" + std::to_string(content.size() - 1);
    return {206, content.substr(start), {"Content-Range: bytes " + range + "/" + size}};
  }

 private:
  void serve() {
    while (!stopping_) {
      if (!readable(listener_)) continue;
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      answer(connection);
      ::close(connection);
    }
  }

  static bool readable(int descriptor) {
    pollfd poll_descriptor = {descriptor, POLLIN, 0};
    return ::poll(&poll_descriptor, 1, 20) == 1;
  }

  void answer(int connection) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      char buffer[4096];
      if (stopping_) return;
      if (!readable(connection)) continue;
      const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) return;
      head.append(buffer, static_cast<std::size_t>(count));
    }
    Request request;
    const std::size_t path = head.find(' ') + 1;
    request.path = head.substr(path, head.find(' ', path) - path);
    if (const std::size_t range = head.find("Range: bytes="); range != std::string::npos) {
      request.range_start = std::stoll(head.substr(range + 13));
    }
    send_answer(connection, taken(request));
  }

  Answer taken(const Request& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    requests_.push_back(request);
    return handler_(request);
  }

  void send_answer(int connection, const Answer& answer) {
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Words\r\nConnection: close\r\n";
    for (const std::string& header : answer.headers) text += header + "\r\n";
    text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n";
    const std::int64_t end = answer.break_after >= 0 ? answer.break_after : answer.stall_after;
    text += end >= 0 ? answer.body.substr(0, static_cast<std::size_t>(end)) : answer.body;
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
    while (answer.stall_after >= 0 && !stopping_ && !readable(connection)) {
    }
  }

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

/// An address on this machine where nobody answers.
inline std::string unserved_url() {
  const HttpServer gone([](const HttpServer::Request&) { return HttpServer::Answer(); });
  return gone.url();
}

}  // namespace deepmoe
