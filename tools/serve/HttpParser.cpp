//===- HttpParser.cpp - bytes of a connection to requests -----------------===//

#include "tools/serve/HttpParser.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include <algorithm>

namespace strata::serve {
namespace {

constexpr size_t kLongestChunkLine = 256;

absl::string_view abslView(std::string_view text) { return {text.data(), text.size()}; }
std::string_view trim(std::string_view text) {
  const absl::string_view stripped = absl::StripAsciiWhitespace(abslView(text));
  return {stripped.data(), stripped.size()};
}

/// A name of HTTP's grammar ("token").
bool isName(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return absl::ascii_isalnum(uint8_t(c)) || kMarks.find(c) != std::string_view::npos;
  });
}

bool hasControl(std::string_view text) {
  return std::ranges::any_of(text,
                             [](char c) { return (uint8_t(c) < 0x20 && c != '\t') || c == 0x7f; });
}

/// Whether a comma-separated value has this word.
bool hasWord(std::string_view value, std::string_view word) {
  for (absl::string_view part : absl::StrSplit(abslView(value), ','))
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(part), abslView(word)))
      return true;
  return false;
}

} // namespace

const std::string *HttpRequest::header(std::string_view name) const {
  const auto found = std::ranges::find(
      headers, name, [](const auto &header) { return std::string_view(header.first); });
  return found == headers.end() ? nullptr : &found->second;
}

void HttpParser::fail(int status, std::string message) {
  state = State::failed;
  failure = {status, std::move(message)};
}

HttpRequest HttpParser::take() {
  state = State::requestLine;
  line.clear();
  headBytes = trailerLines = 0;
  continueExpected = false;
  return std::exchange(request, {});
}

size_t HttpParser::push(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && !isComplete() && !isFailed()) {
    const std::string_view rest = bytes.substr(taken);
    taken += state == State::body || state == State::chunk ? takeBody(rest) : takeLine(rest);
  }
  return taken;
}

size_t HttpParser::takeBody(std::string_view bytes) {
  const size_t count = size_t(std::min<uint64_t>(remaining, bytes.size()));
  request.body.append(bytes.substr(0, count));
  remaining -= count;
  if (remaining == 0)
    state = state == State::chunk ? State::chunkEnd : State::complete;
  return count;
}

/// Whether `bytes` more of a line are allowed.
bool HttpParser::countLine(size_t bytes) {
  if (state == State::chunkSize || state == State::chunkEnd) {
    if (line.size() + bytes > kLongestChunkLine)
      fail(400, "a chunk's size: the line is too long");
    return !isFailed();
  }
  headBytes += bytes;
  if (headBytes > limits.headerBytes)
    fail(state == State::requestLine ? 414 : 431,
         absl::StrCat("expected at most ", limits.headerBytes, " bytes of headers, found more"));
  return !isFailed();
}

size_t HttpParser::takeLine(std::string_view bytes) {
  const size_t end = bytes.find('\n');
  const size_t count = end == std::string_view::npos ? bytes.size() : end + 1;
  if (!countLine(count))
    return count;
  line.append(bytes.substr(0, count));
  if (end == std::string_view::npos)
    return count;
  std::string whole = std::exchange(line, {});
  whole.pop_back();
  if (whole.ends_with('\r'))
    whole.pop_back();
  useLine(whole);
  return count;
}

void HttpParser::useLine(std::string_view text) {
  if (state != State::requestLine && hasControl(text))
    return fail(400, "a header holds control characters");
  switch (state) {
  case State::requestLine:
    return readRequestLine(text);
  case State::headers:
    return text.empty() ? endHeaders() : readHeader(text);
  case State::chunkSize:
    return readChunkSize(text);
  case State::chunkEnd:
    if (!text.empty())
      return fail(400, "a chunk is longer than its size says");
    state = State::chunkSize;
    return;
  default:
    return readTrailer(text);
  }
}

void HttpParser::readRequestLine(std::string_view text) {
  if (text.empty()) { // some clients send a line's end behind a body
    headBytes = 0;
    return;
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(abslView(text), ' ');
  if (parts.size() != 3 || hasControl(text) || !isName({parts[0].data(), parts[0].size()}))
    return fail(400, "expected a request line, METHOD PATH HTTP/1.1");
  if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0")
    return absl::StartsWith(parts[2], "HTTP/")
               ? fail(505, "expected HTTP/1.1 or HTTP/1.0")
               : fail(400, "expected a request line, METHOD PATH HTTP/1.1");
  request.method = std::string(parts[0]);
  request.minorVersion = parts[2].back() - '0';
  request.keepAlive = request.minorVersion == 1;
  state = State::headers;
  readTarget({parts[1].data(), parts[1].size()});
}

void HttpParser::readTarget(std::string_view target) {
  if (const size_t place = target.find("://");
      place != std::string_view::npos && !target.starts_with('/'))
    target.remove_prefix(std::min(target.find('/', place + 3), target.size())); // as to a proxy
  if (!target.starts_with('/') && target != "*")
    return fail(400, "expected a path that begins with /");
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos)
    request.query = target.substr(mark + 1);
}

void HttpParser::readHeader(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !isName(text.substr(0, colon)))
    return fail(400, "expected a header, NAME: VALUE");
  if (request.headers.size() == limits.headers)
    return fail(431, absl::StrCat("expected at most ", limits.headers, " headers, found more"));
  request.headers.emplace_back(absl::AsciiStrToLower(abslView(text.substr(0, colon))),
                               trim(text.substr(colon + 1)));
}

/// Trailers are counted and dropped.
void HttpParser::readTrailer(std::string_view text) {
  if (text.empty())
    state = State::complete;
  else if (++trailerLines + request.headers.size() > limits.headers)
    fail(431, absl::StrCat("expected at most ", limits.headers, " headers, found more"));
}

/// False, and failed, if the text is no length or one that is too large.
bool HttpParser::readLength(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    return fail(400, "content-length: expected a number"), false;
  uint64_t length = 0;
  for (char digit : text)
    if ((length = length * 10 + uint64_t(digit - '0')) > limits.bodyBytes)
      return fail(413, absl::StrCat("expected a body of at most ", limits.bodyBytes,
                                    " bytes, found more")),
             false;
  remaining = length;
  return true;
}

void HttpParser::endHeaders() {
  std::string_view encoding, length;
  size_t hosts = 0, encodings = 0, lengths = 0;
  for (const auto &[name, value] : request.headers) {
    hosts += name == "host";
    if (name == "transfer-encoding")
      encoding = value, ++encodings;
    if (name == "content-length")
      length = value, ++lengths;
    if (name == "connection")
      request.keepAlive =
          (request.keepAlive || hasWord(value, "keep-alive")) && !hasWord(value, "close");
    if (name == "expect" && !absl::EqualsIgnoreCase(value, "100-continue"))
      return fail(417, "expect: expected 100-continue");
    continueExpected |= name == "expect" && request.minorVersion == 1;
  }
  if (hosts > 1 || (hosts == 0 && request.minorVersion == 1))
    return fail(400, absl::StrCat("host: expected one header, found ", hosts));
  if (lengths > 1 || encodings > 1 || lengths + encodings > 1)
    return fail(400, "expected one content-length or transfer-encoding, found several");
  if (lengths == 1 && !readLength(length))
    return;
  endHeaders(encoding, lengths == 1);
}

void HttpParser::endHeaders(std::string_view encoding, bool hasLength) {
  if (!encoding.empty()) {
    if (request.minorVersion == 0)
      return fail(400, "transfer-encoding: expected HTTP/1.1");
    if (!absl::EqualsIgnoreCase(abslView(encoding), "chunked"))
      return fail(501, "transfer-encoding: expected chunked");
    state = State::chunkSize;
  } else {
    state = hasLength && remaining > 0 ? State::body : State::complete;
  }
  continueExpected &= state != State::complete;
}

void HttpParser::readChunkSize(std::string_view text) {
  const std::string_view digits = trim(text.substr(0, text.find(';')));
  if (digits.empty() ||
      !std::ranges::all_of(digits, [](char c) { return absl::ascii_isxdigit(uint8_t(c)); }))
    return fail(400, "a chunk's size: expected a hexadecimal number");
  uint64_t size = 0;
  for (char digit : digits) {
    const char lower = absl::ascii_tolower(uint8_t(digit));
    size = size * 16 + uint64_t(lower <= '9' ? lower - '0' : lower - 'a' + 10);
    if (size > limits.bodyBytes - request.body.size())
      return fail(
          413, absl::StrCat("expected a body of at most ", limits.bodyBytes, " bytes, found more"));
  }
  remaining = size;
  state = size == 0 ? State::trailers : State::chunk;
}

} // namespace strata::serve
