//===- Exchange.h - a request and its answer --------------------*- C++ -*-===//
#pragma once

#include "tools/serve/HttpParser.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace strata::serve {

class Connection;

/// A request and its answer. All functions are for the server's thread; after the client has gone,
/// what is sent is dropped. One that is destroyed unanswered is answered 500.
class Exchange {
public:
  Exchange(Connection &connection, HttpRequest request);
  ~Exchange();
  Exchange(const Exchange &) = delete;
  Exchange &operator=(const Exchange &) = delete;

  /// HEAD is GET to who answers; the body is left out.
  const std::string &method() const { return request.method; }
  /// Without the query, as it was sent.
  const std::string &path() const { return request.path; }
  /// Of the request; moved out, so that it need not be kept as long as the answer takes.
  std::string takeBody() { return std::move(request.body); }
  /// Of the request; names in any case.
  std::optional<std::string> header(std::string_view name) const;

  /// To the answer; before it begins. A value that would end the line is left out.
  void addHeader(std::string_view name, std::string_view value);
  void reply(int status, std::string_view type, std::string_view text);
  /// An answer in pieces: begin, send as often as wanted, end. A client that leaves too much of it
  /// lying is cut off, as if it had gone.
  void begin(int status, std::string_view type);
  void send(std::string_view piece);
  void end();

  bool isOpen() const { return connection != nullptr; }
  /// Called when the client goes before the answer has ended.
  void onGone(std::function<void()> call) { gone = std::move(call); }

private:
  friend class Connection;
  void lose();
  void finish(bool keep);
  std::string head(int status, std::string_view type, bool keep) const;

  Connection *connection; // null once answered or gone
  HttpRequest request;
  bool headOnly;
  std::string headers; // of the answer, beside those of every one
  size_t largestPiece = 0;
  std::function<void()> gone;
};

} // namespace strata::serve
