//===- HttpParser.h - bytes of a connection to requests ---------*- C++ -*-===//
//
// The part of HTTP/1.1 that clients of an API need, strictly: what two readers could understand
// differently (a length that stands twice, chunks and a length, lines that go on) is refused. Knows
// no sockets.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::serve {

struct HttpLimits {
  size_t headerBytes = 16 << 10; // request line, headers and trailers together
  size_t headers = 100;
  size_t bodyBytes = 8 << 20;
};

struct HttpRequest {
  std::string method, path, query;                          // path: as it was sent, up to '?'
  std::vector<std::pair<std::string, std::string>> headers; // names in lower case
  std::string body;
  int minorVersion = 1;  // of HTTP/1
  bool keepAlive = true; // whether the client wants to go on with this connection

  /// The value of the first header `name` (lower case); null if there is none.
  const std::string *header(std::string_view name) const;
};

/// What is wrong with a request: 400, 408, 413, 414, 417, 431, 501, 505.
struct HttpError {
  int status = 0;
  std::string message;
};

/// Reads one request after the other:
///
///     while bytes are there and not isFailed():
///       drop the first push(bytes)
///       if isComplete(): use take()
class HttpParser {
public:
  explicit HttpParser(const HttpLimits &limits = {}) : limits(limits) {}

  /// Takes bytes from the beginning of `bytes` and returns how many; stops where a request ends or
  /// is wrong.
  size_t push(std::string_view bytes);

  bool isIdle() const { return state == State::requestLine && headBytes == 0; } // between requests
  bool inBody() const { return state >= State::body && state <= State::trailers; }
  bool isComplete() const { return state == State::complete; }
  bool isFailed() const { return state == State::failed; }
  const HttpError &error() const { return failure; }
  /// Whether the client waits for "100 Continue" before it sends a body. True once a request.
  bool takeContinue() { return std::exchange(continueExpected, false); }

  /// The complete request; the parser waits for the next.
  HttpRequest take();

private:
  enum class State {
    requestLine,
    headers,
    body,
    chunkSize,
    chunk,
    chunkEnd,
    trailers,
    complete,
    failed
  };

  size_t takeLine(std::string_view bytes);
  size_t takeBody(std::string_view bytes);
  bool countLine(size_t bytes);
  void useLine(std::string_view text);
  void readRequestLine(std::string_view text);
  void readTarget(std::string_view target);
  void readHeader(std::string_view text);
  void readTrailer(std::string_view text);
  void readChunkSize(std::string_view text);
  void endHeaders();
  void endHeaders(std::string_view encoding, bool hasLength);
  bool readLength(std::string_view text);
  void fail(int status, std::string message);

  HttpLimits limits;
  State state = State::requestLine;
  HttpRequest request;
  HttpError failure;
  std::string line;        // that has not ended yet
  size_t headBytes = 0;    // of lines, chunks' apart
  size_t trailerLines = 0; // beside request.headers
  uint64_t remaining = 0;  // of the body or the chunk
  bool continueExpected = false;
};

} // namespace strata::serve
