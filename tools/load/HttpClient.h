//===- HttpClient.h - requests to one server, on one thread -----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct event_base;

namespace strata::load {

/// "http://127.0.0.1:8000/v1". Of IPv6, the host is what stands in the brackets.
struct ServerUrl {
  std::string host;
  uint16_t port = 80;
  std::string path; // without the slash at its end

  std::string authority() const; // "127.0.0.1:8000"
};

/// INVALID_ARGUMENT: no http, or no host.
absl::StatusOr<ServerUrl> parseUrl(const std::string &text);

/// What is asked, and who is told of the answer.
struct HttpRequest {
  std::string path;      // below the server's own: "/models"
  std::string body = {}; // JSON; empty: a GET
  /// What comes of the body, as it comes, if the status is 200.
  std::function<void(std::string_view)> received;
  /// Last. UNAVAILABLE: no connection, or the answer ended too early; INTERNAL: another status, of
  /// which the message tells with what the server says ("429: come later").
  std::function<void(const absl::Status &)> done;
};

/// Each request has a connection of its own: none waits for another, and none meets a connection
/// that the server is about to close.
class HttpClient {
public:
  /// Looks the host up. `key`: sent as "Authorization: Bearer KEY"; empty: none.
  /// `silentSeconds`: after so long without a byte a request fails.
  static absl::StatusOr<std::unique_ptr<HttpClient>> create(const ServerUrl &url, std::string key,
                                                            int64_t silentSeconds);
  ~HttpClient();
  HttpClient(const HttpClient &) = delete;
  HttpClient &operator=(const HttpClient &) = delete;

  void send(HttpRequest request);
  void callAfter(double seconds, std::function<void()> call);
  /// Until every request is done and every call made, those included that come meanwhile.
  void run();

private:
  struct Exchange;
  HttpClient() = default;

  ServerUrl url;
  std::string address; // of the host, in digits
  std::string key;
  int64_t silentSeconds = 0;
  event_base *base = nullptr;
};

} // namespace strata::load
