//===- Exchange.cpp - a request and its answer ----------------------------===//

#include "tools/serve/Exchange.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/serve/Answers.h"
#include "tools/serve/Connection.h"

#include <algorithm>
#include <ctime>

namespace strata::serve {
namespace {

const char *reasonOf(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 417:
    return "Expectation Failed";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Internal Server Error";
  }
}

/// HTTP's form of the time: "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale.
std::string dateNow() {
  constexpr const char *kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char *kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return absl::StrFormat("%s, %02d %s %d %02d:%02d:%02d GMT", kDays[parts.tm_wday], parts.tm_mday,
                         kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                         parts.tm_sec);
}

} // namespace

Exchange::Exchange(Connection &connection, HttpRequest received)
    : connection(&connection), request(std::move(received)), headOnly(request.method == "HEAD") {
  if (headOnly)
    request.method = "GET";
}

Exchange::~Exchange() { reply(500, "application/json", errorJson(500, "nobody answered")); }

std::optional<std::string> Exchange::header(std::string_view name) const {
  const std::string *value = request.header(absl::AsciiStrToLower({name.data(), name.size()}));
  return value ? std::optional(*value) : std::nullopt;
}

void Exchange::addHeader(std::string_view name, std::string_view value) {
  if (value.find_first_of("\r\n") == std::string_view::npos)
    absl::StrAppend(&headers, std::string(name), ": ", std::string(value), "\r\n");
}

std::string Exchange::head(int status, std::string_view type, bool keep) const {
  std::string text =
      absl::StrCat("HTTP/1.1 ", status, " ", reasonOf(status), "\r\nDate: ", dateNow(),
                   "\r\nContent-Type: ", std::string(type), "\r\n", headers);
  if (!keep)
    text += "Connection: close\r\n";
  else if (request.minorVersion == 0)
    text += "Connection: keep-alive\r\n";
  return text;
}

void Exchange::reply(int status, std::string_view type, std::string_view text) {
  if (!connection)
    return;
  const bool keep = request.keepAlive && connection->mayKeep();
  std::string bytes = head(status, type, keep);
  if (status != 304) // whose length would be that of what the client has
    absl::StrAppend(&bytes, "Content-Length: ", text.size(), "\r\n");
  bytes += "\r\n";
  connection->write(bytes);
  if (!headOnly)
    connection->write(text);
  finish(keep);
}

/// Without chunks, for HTTP/1.0, the end of the connection is that of the answer.
void Exchange::begin(int status, std::string_view type) {
  if (!connection)
    return;
  addHeader("Cache-Control", "no-cache");
  if (request.minorVersion == 0)
    request.keepAlive = false;
  else
    addHeader("Transfer-Encoding", "chunked");
  request.keepAlive = request.keepAlive && connection->mayKeep();
  connection->write(head(status, type, request.keepAlive) + "\r\n");
}

void Exchange::send(std::string_view piece) {
  if (!connection || headOnly || piece.empty()) // as a chunk it would be the end
    return;
  const std::string text(piece);
  connection->write(request.minorVersion == 0 ? text
                                              : absl::StrFormat("%x\r\n%s\r\n", text.size(), text));
  largestPiece = std::max(largestPiece, text.size());
  if (connection->unsentBytes() > connection->options().mostUnsentBytes + largestPiece)
    connection->close();
}

void Exchange::end() {
  if (!connection)
    return;
  if (request.minorVersion == 1 && !headOnly)
    connection->write("0\r\n\r\n");
  finish(request.keepAlive);
}

/// The connection may bring the next request.
void Exchange::finish(bool keep) {
  gone = nullptr;
  std::exchange(connection, nullptr)->finish(keep);
}

void Exchange::lose() {
  connection = nullptr;
  if (auto call = std::exchange(gone, nullptr))
    call();
}

} // namespace strata::serve
