//===- HttpServer.h - HTTP/1.1 on one thread --------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct event;
struct event_base;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;

namespace strata::serve {

/// A request and its answer. All functions are for the server's thread; after the client has gone,
/// what is sent is dropped.
class Exchange {
public:
  explicit Exchange(evhttp_request *request);
  ~Exchange();
  Exchange(const Exchange &) = delete;
  Exchange &operator=(const Exchange &) = delete;

  /// HEAD is GET to who answers; the body is left out.
  const std::string &method() const { return verb; }
  /// Without the query.
  const std::string &path() const { return place; }
  const std::string &body() const { return content; }
  /// Of the request; names in any case.
  std::optional<std::string> header(const char *name) const;

  /// To the answer; before it begins.
  void addHeader(const char *name, const std::string &value);
  void reply(int status, const char *type, std::string_view text);
  /// An answer in pieces: begin, send as often as wanted, end.
  void begin(int status, const char *type);
  void send(std::string_view piece);
  void end();

  bool isOpen() const { return request != nullptr; }
  /// Bytes that the client has not taken yet.
  size_t unsentBytes() const;
  /// Called when the client goes before the answer has ended.
  void onGone(std::function<void()> call) { gone = std::move(call); }
  /// Closes the connection if the client has done so: libevent looks only while it sends.
  void checkClient();

private:
  static void closed(evhttp_connection *connection, void *self);
  void forget();

  evhttp_request *request; // null once answered or gone
  std::string verb, place, content;
  bool headOnly;
  std::function<void()> gone;
};

struct HttpOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8000; // 0: any that is free
  int64_t mostBodyBytes = 8 << 20, mostHeaderBytes = 16 << 10;
  int idleSeconds = 75; // without a byte from or to a client
};

/// Threads: one creates it, runs it and destroys it; post() and stop() are for any.
class HttpServer {
public:
  using Handler = std::function<void(const std::shared_ptr<Exchange> &)>;

  /// Listens from now on; connections wait until run(). Errors name host and port.
  static absl::StatusOr<std::unique_ptr<HttpServer>> listen(const HttpOptions &options,
                                                            Handler handler);
  ~HttpServer();

  uint16_t port() const { return boundPort; }
  /// Serves until stop().
  void run();
  void stop();
  /// Has the server's thread call it, soon and in order.
  void post(std::function<void()> call);

private:
  HttpServer() = default;
  static void handle(evhttp_request *request, void *self);
  static void wake(int descriptor, short what, void *self);
  static void checkClients(int descriptor, short what, void *self);

  Handler handler;
  event_base *base = nullptr;
  evhttp *http = nullptr;
  event *wakeEvent = nullptr, *checkEvent = nullptr;
  std::vector<std::weak_ptr<Exchange>> open; // exchanges, and some that have ended
  int wakeDescriptor = -1;
  uint16_t boundPort = 0;

  std::mutex mutex;
  std::vector<std::function<void()>> posted;
};

} // namespace strata::serve
