//===- HttpServer.h - HTTP/1.1 on one thread --------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "tools/serve/Background.h"
#include "tools/serve/EventLoop.h"
#include "tools/serve/Exchange.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

struct evconnlistener;

namespace strata::serve {

struct HttpOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8000; // 0: any that is free
  HttpLimits request = {};
  size_t mostConnections = 1024;    // the one that has waited longest for its client gives way to a
                                    // further one, which waits while all are being answered
  size_t mostUnsentBytes = 1 << 20; // of an answer in pieces, beside the largest of them
  // How long a client may take:
  std::chrono::milliseconds idle{75'000};   // between two requests
  std::chrono::milliseconds header{10'000}; // from a request's first byte to its last header
  std::chrono::milliseconds body{30'000};   // from there to the end of the body
  std::chrono::milliseconds stall{60'000};  // for the next 16 KiB of an answer, or all that is left
  std::chrono::milliseconds flush{2'000};   // for what is left when the server stops
};

/// Hands each whole request to a handler; what is none, or too large, or too slow, is told so by
/// errors of OpenAI's form. Threads: one creates it, runs it and destroys it; post() and stop() are
/// for any.
class HttpServer {
public:
  using Handler = std::function<void(const std::shared_ptr<Exchange> &)>;

  /// Listens from now on; connections wait until run(). Errors name host and port.
  static absl::StatusOr<std::unique_ptr<HttpServer>> listen(const HttpOptions &options,
                                                            Handler handler);
  ~HttpServer();

  uint16_t port() const { return boundPort; }
  /// Serves until stop(), and then until clients have taken what was sent.
  void run();
  void stop();
  /// Has the server's thread call it, soon and in order.
  void post(std::function<void()> call) { loop->post(std::move(call)); }
  /// On the server's thread: has another do a job, and the server's what that returns. Jobs that
  /// have not begun when the server is destroyed never do.
  void runBeside(Background::Job job) { background->run(std::move(job)); }

private:
  friend class Connection;
  explicit HttpServer(const HttpOptions &options) : options(options) {}

  absl::Status bind();
  void accept(int descriptor);
  void remove(const Connection &connection);
  void watchListener();
  bool isAnyoneWaiting() const;
  bool closeLongestWaiting();
  void pauseListener();
  void acceptFailed();
  void endAll();
  void closeAll();

  const HttpOptions options;
  Handler handler;
  std::unique_ptr<EventLoop> loop;
  evconnlistener *listener = nullptr;
  uint16_t boundPort = 0;
  std::unordered_map<const Connection *, std::shared_ptr<Connection>> open;
  std::list<Connection *> waiting; // for their clients, who has done so longest first
  std::unique_ptr<Timer> pause, flush;
  std::unique_ptr<Background> background;
  bool stopping = false;
};

} // namespace strata::serve
