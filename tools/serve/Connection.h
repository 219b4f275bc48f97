//===- Connection.h - one client of the server ------------------*- C++ -*-===//
#pragma once

#include "tools/serve/HttpServer.h"

#include <chrono>

struct bufferevent;

namespace strata::serve {

/// Requests of one connection, one after the other; what comes while one is being answered waits in
/// a small buffer. After close() the object lives until the loop goes round.
class Connection {
public:
  using Clock = std::chrono::steady_clock;

  Connection(HttpServer &server, int descriptor);
  ~Connection();

  /// Since when it has been waiting for the client; none while it answers.
  std::optional<Clock::time_point> waitingSince() const;
  /// Takes no further requests.
  void endSoon();
  /// Ends now, whatever is open.
  void close();

  // For the exchange that is being answered.
  const HttpOptions &options() const { return server.options; }
  bool mayKeep() const { return !server.stopping; }
  void write(std::string_view bytes);
  void finish(bool keep);
  /// Bytes that the client has not taken yet.
  size_t unsentBytes() const;

private:
  enum class Awaited { nothing, request, headers, body };

  void onRead();
  void onWritten();
  void onEvent(short what);
  void onLate();
  void onStallCheck();

  void readRequest();
  void beginExchange();
  void await(Awaited next);
  void refuse(int status, const std::string &message);
  void linger();
  void dropInput();

  HttpServer &server;
  bufferevent *events; // null once closed
  HttpParser parser;
  Exchange *exchange = nullptr; // being answered
  Timer late;                   // for what is awaited
  Timer stalled;                // for output to be taken
  Awaited awaited = Awaited::nothing;
  Clock::time_point since;                                // of `awaited`
  std::optional<std::list<Connection *>::iterator> place; // among those that wait, if it does
  bool ending = false;       // once the output is written; input is dropped
  bool atEnd = false;        // the client sends nothing more
  uint64_t written = 0;      // bytes given to the output
  uint64_t takenAtCheck = 0; // of them, by the client at the last check
};

} // namespace strata::serve
