//===- HttpParserTest.cpp - what is a request, and what is not ------------===//

#include "tools/serve/HttpParser.h"

#include <gtest/gtest.h>

namespace strata::serve {
namespace {

const std::string kHost = "Host: x\r\n";

/// Reads bytes a piece at a time, until a request is complete or wrong.
HttpParser parse(const std::string &bytes, size_t piece = 1 << 20, const HttpLimits &limits = {}) {
  HttpParser parser(limits);
  for (size_t at = 0; at < bytes.size() && !parser.isComplete() && !parser.isFailed(); at += piece)
    parser.push(std::string_view(bytes).substr(at, piece));
  return parser;
}

void expectError(const std::string &bytes, int status, const std::string &message) {
  for (size_t piece : {size_t(1), size_t(1) << 20}) {
    const HttpParser parser = parse(bytes, piece);
    EXPECT_TRUE(parser.isFailed()) << bytes;
    EXPECT_EQ(parser.error().status, status) << bytes;
    EXPECT_NE(parser.error().message.find(message), std::string::npos) << parser.error().message;
  }
}

TEST(HttpParser, ReadsRequests) {
  for (size_t piece : {size_t(1), size_t(7), size_t(1000)}) {
    HttpParser parser = parse(
        "\r\nPOST /v1/models?x=1 HTTP/1.1\r\nhOST: \t here \r\nContent-Length: 5\r\n\r\nhello",
        piece);
    ASSERT_TRUE(parser.isComplete());
    const HttpRequest request = parser.take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/v1/models");
    EXPECT_EQ(request.query, "x=1");
    EXPECT_EQ(*request.header("host"), "here");
    EXPECT_EQ(request.header("x"), nullptr);
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(request.keepAlive);
    EXPECT_TRUE(parser.isIdle());
    parser.push("\r\n"); // behind a body, as some clients send it
    EXPECT_TRUE(parser.isIdle());
  }
}

TEST(HttpParser, ReadsChunks) {
  for (size_t piece : {size_t(1), size_t(1000)}) {
    HttpParser parser = parse("POST / HTTP/1.1\r\n" + kHost +
                                  "Transfer-Encoding: Chunked\r\n\r\n"
                                  "5;a=b\r\nhello\r\nC\r\n, many words\r\n0\r\nTrailer: 1\r\n\r\n",
                              piece);
    ASSERT_TRUE(parser.isComplete());
    EXPECT_EQ(parser.take().body, "hello, many words");
  }
}

TEST(HttpParser, ReadsOneAfterTheOther) {
  const std::string first = "GET /a HTTP/1.1\r\n" + kHost + "\r\n",
                    second = "GET /b HTTP/1.0\r\n\r\n";
  HttpParser parser;
  EXPECT_EQ(parser.push(first + second), first.size());
  EXPECT_EQ(parser.take().path, "/a");
  EXPECT_EQ(parser.push(second), second.size());
  const HttpRequest request = parser.take();
  EXPECT_EQ(request.path, "/b");
  EXPECT_FALSE(request.keepAlive);
}

TEST(HttpParser, TakesWholeAddressesAsProxiesDo) {
  const auto pathOf = [](const std::string &target) {
    return parse("GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n").take().path;
  };
  EXPECT_EQ(pathOf("http://x:80/a/b?c"), "/a/b");
  EXPECT_EQ(pathOf("/a?b=http://x/"), "/a");
  expectError("GET http://x HTTP/1.1\r\n", 400, "expected a path");
}

TEST(HttpParser, Connections) {
  const auto keeps = [](const std::string &version, const std::string &value) {
    HttpParser parser =
        parse("GET / HTTP/" + version + "\r\n" + kHost + "Connection: " + value + "\r\n\r\n");
    return parser.take().keepAlive;
  };
  EXPECT_TRUE(keeps("1.1", "Upgrade"));
  EXPECT_FALSE(keeps("1.1", "Upgrade, Close"));
  EXPECT_FALSE(keeps("1.0", "x"));
  EXPECT_TRUE(keeps("1.0", "Keep-Alive"));
}

TEST(HttpParser, Continues) {
  HttpParser parser =
      parse("POST / HTTP/1.1\r\n" + kHost + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(parser.inBody());
  EXPECT_TRUE(parser.takeContinue());
  EXPECT_FALSE(parser.takeContinue());
  parser.push("ab");
  EXPECT_EQ(parser.take().body, "ab");
  expectError("POST / HTTP/1.1\r\n" + kHost + "Expect: more\r\n\r\n", 417, "expected 100-continue");
}

TEST(HttpParser, RefusesWhatIsNoRequest) {
  for (const std::string line :
       {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "G@T / HTTP/1.1", " / HTTP/1.1",
        "GET / http/1.1", "\x16\x03\x01", "GET /\x01 HTTP/1.1"})
    expectError(line + "\r\n" + kHost + "\r\n", 400, "expected a request line");
  expectError("GET / HTTP/2.0\r\n\r\n", 505, "expected HTTP/1.1");
  expectError("GET nowhere HTTP/1.1\r\n", 400, "expected a path");
  expectError("GET / HTTP/1.1\r\n\r\n", 400, "host: expected one header, found 0");
  expectError("GET / HTTP/1.1\r\n" + kHost + kHost + "\r\n", 400,
              "host: expected one header, found 2");
  expectError("GET / HTTP/1.1\r\n" + kHost + "a b: c\r\n\r\n", 400, "expected a header");
  expectError("GET / HTTP/1.1\r\n" + kHost + " goes on\r\n\r\n", 400, "expected a header");
  expectError("GET / HTTP/1.1\r\n" + kHost + "a: b\rc\r\n\r\n", 400, "control characters");
}

TEST(HttpParser, RefusesAmbiguousLengths) {
  const auto head = [](const std::string &headers) {
    return "POST / HTTP/1.1\r\n" + kHost + headers + "\r\n";
  };
  for (const std::string value : {"", "-1", "+1", "1 2", "0x1", "1,1"})
    expectError(head("Content-Length: " + value + "\r\n"), 400,
                "content-length: expected a number");
  expectError(head("Content-Length: 1\r\nContent-Length: 1\r\n"), 400, "found several");
  expectError(head("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400, "found several");
  expectError(head("Transfer-Encoding: gzip, chunked\r\n"), 501, "expected chunked");
  expectError("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "expected HTTP/1.1");
  const std::string chunked = head("Transfer-Encoding: chunked\r\n");
  expectError(chunked + "-2\r\n", 400, "a chunk's size");
  expectError(chunked + "\r\n", 400, "a chunk's size");
  expectError(chunked + "2\r\nabc\r\n", 400, "longer than its size");
  expectError(chunked + "2;" + std::string(300, 'x') + "\r\n", 400, "line is too long");
  expectError(chunked + "ffffffffffffffff\r\n", 413, "at most 8388608 bytes");
  expectError(chunked + "fffffffffffffffffffffff\r\n", 413, "at most 8388608 bytes");
}

TEST(HttpParser, Limits) {
  const HttpLimits limits{.headerBytes = 64, .headers = 2, .bodyBytes = 4};
  const auto statusOf = [&](const std::string &bytes) {
    const HttpParser parser = parse(bytes, 3, limits);
    return parser.isFailed() ? parser.error().status : parser.isComplete() ? 200 : 0;
  };
  const std::string post = "POST / HTTP/1.1\r\n" + kHost;
  EXPECT_EQ(statusOf(post + "Content-Length: 4\r\n\r\nabcd"), 200);
  EXPECT_EQ(statusOf(post + "Content-Length: 5\r\n\r\nabcde"), 413);
  EXPECT_EQ(statusOf(post + "Content-Length: 99999999999999\r\n\r\n"), 413);
  EXPECT_EQ(statusOf(post + "a:b\r\nc:d\r\n\r\n"), 431);
  EXPECT_EQ(statusOf(post + "a:" + std::string(64, 'b')), 431);
  EXPECT_EQ(statusOf("GET /" + std::string(64, 'b')), 414);
  HttpParser parser =
      parse("POST / HTTP/1.1\r\nHost:x\r\nTransfer-Encoding:chunked\r\n\r\n2\r\nab\r\n3\r\n", 1,
            {.headerBytes = 99, .headers = 2, .bodyBytes = 4});
  EXPECT_EQ(parser.error().status, 413);
}

} // namespace
} // namespace strata::serve
