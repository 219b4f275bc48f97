//===- HttpServerTest.cpp - connections, good and bad ---------------------===//
//
// The server without a model: what it makes of bytes, slow clients and those that go.
//
//===----------------------------------------------------------------------===//

#include "tools/serve/HttpServer.h"

#include "test/tools/HttpClient.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace strata::serve {
namespace {

using namespace std::chrono_literals;
using test::HttpAnswer;
using test::HttpClient;
using test::readAnswer;
using test::requestOf;

/// /echo sends the body back, /stream as many pieces of 1000 bytes as the body says, /piece one
/// piece and no more, /hold nothing, /drop forgets the request.
class HttpServerTest : public testing::Test {
protected:
  void start(HttpOptions options = {}) {
    options.port = 0;
    server = HttpServer::listen(options, [this](const std::shared_ptr<Exchange> &exchange) {
               handle(exchange);
             }).value();
    thread = std::thread([this] { server->run(); });
  }
  void TearDown() override {
    server->stop();
    thread.join();
  }

  void handle(const std::shared_ptr<Exchange> &exchange) {
    if (exchange->path() == "/drop")
      return;
    exchange->onGone([this] { ++gone; });
    const std::string body = exchange->takeBody();
    if (exchange->path() == "/echo")
      return exchange->reply(200, "text/plain", body);
    if (exchange->path() != "/hold")
      exchange->begin(200, "text/event-stream");
    if (exchange->path() == "/piece")
      exchange->send("piece");
    if (exchange->path() == "/stream") {
      for (int i = 0; i < std::atoi(body.c_str()); ++i)
        exchange->send(std::string(1000, 'x'));
      return exchange->end();
    }
    held.push_back(exchange);
  }

  HttpAnswer ask(const std::string &method, const std::string &path, const std::string &body = "",
                 const std::string &headers = "") {
    return test::ask(server->port(), method, path, body, headers);
  }
  /// Waits until so many have gone.
  void expectGone(int count) {
    for (int i = 0; i < 2000 && gone != count; ++i)
      std::this_thread::sleep_for(5ms);
    EXPECT_EQ(gone, count);
  }

  std::unique_ptr<HttpServer> server;
  std::thread thread;
  std::vector<std::shared_ptr<Exchange>> held; // the server's thread's
  std::atomic<int> gone = 0;
};

void expectError(const HttpAnswer &answer, int status, const std::string &message) {
  EXPECT_EQ(answer.status, status);
  EXPECT_NE(answer.headers.find("Content-Type: application/json"), std::string::npos);
  EXPECT_NE(answer.body.find("{\"error\": {\"message\": \"" + message), std::string::npos)
      << answer.body;
  EXPECT_NE(answer.body.find("\"code\": " + std::to_string(status)), std::string::npos);
}

TEST_F(HttpServerTest, KeepsConnections) {
  start();
  HttpClient client(server->port());
  for (const std::string text : {"a", "", "ccc"}) {
    client.send(requestOf("POST", "/echo", text));
    EXPECT_EQ(readAnswer(client).body, text);
  }
  client.send(requestOf("POST", "/stream", "3"));
  EXPECT_EQ(readAnswer(client).body, std::string(3000, 'x'));
  client.send(requestOf("POST", "/echo", "d", "Connection: close\r\n"));
  const HttpAnswer last = readAnswer(client);
  EXPECT_EQ(last.body, "d");
  EXPECT_NE(last.headers.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.isClosed());
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  HttpClient client(server->port());
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += requestOf("POST", i % 2 ? "/echo" : "/stream", std::to_string(1 + i % 9));
  client.send(all);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(readAnswer(client).body,
              i % 2 ? std::to_string(1 + i % 9) : std::string(size_t(1 + i % 9) * 1000, 'x'));
}

/// Nobody's answers pile up: requests wait until those before them were taken.
TEST_F(HttpServerTest, PipelinedAnswersWaitForTheirReader) {
  start({.mostUnsentBytes = 100'000});
  HttpClient client(server->port(), 1);
  const std::string body(50'000, 'x');
  std::thread sender([&] {
    for (int i = 0; i < 100; ++i)
      client.send(requestOf("POST", "/echo", body));
  });
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(readAnswer(client).body.size(), body.size()) << i;
  sender.join();
}

TEST_F(HttpServerTest, Http10) {
  start();
  HttpClient once(server->port()), kept(server->port());
  once.send("POST /stream HTTP/1.0\r\nContent-Length: 1\r\n\r\n2");
  const std::string answer = once.readAll();
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + std::string(2000, 'x')));
  for (int i = 0; i < 2; ++i) {
    kept.send("POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n2");
    EXPECT_NE(readAnswer(kept).headers.find("Connection: keep-alive"), std::string::npos);
  }
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  start();
  HttpClient client(server->port());
  client.send(requestOf("HEAD", "/echo", "hello") + requestOf("HEAD", "/stream", "3") +
              requestOf("POST", "/echo", "next"));
  EXPECT_NE(client.readUntil("\r\n\r\n").find("Content-Length: 5"), std::string::npos);
  EXPECT_NE(client.readUntil("\r\n\r\n").find("chunked"), std::string::npos);
  EXPECT_EQ(readAnswer(client).body, "next");
}

TEST_F(HttpServerTest, ContinuesBodies) {
  start();
  HttpClient client(server->port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.readBytes(25), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_EQ(readAnswer(client).body, "ab");
}

/// Clients that send all of it before they read are told, too.
TEST_F(HttpServerTest, WrongRequestsAreToldWhy) {
  start({.request = {.bodyBytes = 10'000}});
  expectError(ask("POST", "/echo", std::string(5'000'000, 'x')), 413,
              "expected a body of at most 10000 bytes, found more");
  expectError(ask("GET", "/" + std::string(10'000'000, 'x')), 414,
              "expected at most 16384 bytes of headers, found more");
  expectError(ask("GET", "/", "", "a: " + std::string(20'000, 'x') + "\r\n"), 431,
              "expected at most 16384 bytes of headers, found more");
  std::string headers;
  for (int i = 0; i < 100; ++i)
    headers += "a: b\r\n";
  expectError(ask("GET", "/", "", headers), 431, "expected at most 100 headers, found more");
  HttpClient wrong(server->port());
  wrong.send("nonsense\r\n\r\n");
  expectError(readAnswer(wrong), 400, "expected a request line, METHOD PATH HTTP/1.1");
  EXPECT_TRUE(wrong.isClosed());
  expectError(ask("GET", "/drop"), 500, "nobody answered");
}

TEST_F(HttpServerTest, SlowRequestsAreToldAndIdleClientsClosed) {
  start({.idle = 300ms, .header = 200ms, .body = 200ms});
  HttpClient headers(server->port()), body(server->port()), idle(server->port());
  headers.send("POST /echo HT");
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
  for (int i = 0; i < 5; ++i) { // to send a little does not help
    std::this_thread::sleep_for(20ms);
    headers.send("T");
    body.send("c");
  }
  expectError(readAnswer(headers), 408, "the headers took too long");
  expectError(readAnswer(body), 408, "the body took too long");
  EXPECT_EQ(idle.readAll(), "");
  EXPECT_EQ(gone, 0);
}

TEST_F(HttpServerTest, AnAnswerMayTakeLongerThanClientsMay) {
  start({.idle = 50ms, .header = 50ms, .body = 50ms, .stall = 50ms});
  HttpClient client(server->port());
  client.send(requestOf("POST", "/hold"));
  std::this_thread::sleep_for(300ms);
  server->post([this] { held.at(0)->reply(200, "text/plain", "at last"); });
  EXPECT_EQ(readAnswer(client).body, "at last");
}

TEST_F(HttpServerTest, NoticesWhoGoes) {
  start();
  for (const std::string path : {"/hold", "/piece"}) {
    const int before = gone;
    {
      HttpClient client(server->port());
      client.send(requestOf("POST", path));
      if (path == "/piece")
        client.readUntil("piece");
      else
        std::this_thread::sleep_for(20ms);
    }
    expectGone(before + 1);
  }
  HttpClient half(server->port());
  half.send("POST /hold HTTP/1.1\r\nHost: x\r\nContent-Le");
}

TEST_F(HttpServerTest, ReadersThatStopAreCutOff) {
  start({.mostUnsentBytes = 100 << 20, .stall = 300ms});
  HttpClient client(server->port(), 1);
  client.send(requestOf("POST", "/stream", "20000")); // 20 MB, more than the kernel keeps
  EXPECT_EQ(ask("POST", "/echo", "x").body, "x");
  std::this_thread::sleep_for(1s);
  EXPECT_LT(client.readAll().size(), 20'000'000u);
}

TEST_F(HttpServerTest, StreamsDoNotPileUp) {
  start();
  HttpClient client(server->port(), 1);
  client.send(requestOf("POST", "/stream", "20000"));
  expectGone(1);
}

TEST_F(HttpServerTest, NobodyGivesWayToNobody) {
  start({.mostConnections = 1});
  HttpClient client(server->port());
  for (int i = 0; i < 2; ++i) {
    std::this_thread::sleep_for(100ms);
    client.send(requestOf("POST", "/echo", "x"));
    EXPECT_EQ(readAnswer(client).body, "x");
  }
}

/// The first is busy, the second waits for its client and gives way.
TEST_F(HttpServerTest, WhoHasWaitedLongestGivesWay) {
  start({.mostConnections = 2});
  HttpClient busy(server->port());
  busy.send(requestOf("POST", "/piece"));
  busy.readUntil("piece");
  HttpClient idle(server->port());
  idle.send("POST /echo HTTP/1.1\r\n");
  EXPECT_EQ(ask("POST", "/echo", "3").body, "3");
  EXPECT_TRUE(idle.isClosed());
  EXPECT_EQ(gone, 0);
}

TEST_F(HttpServerTest, MoreThanAreAllowedWait) {
  start({.mostConnections = 2});
  auto first = std::make_unique<HttpClient>(server->port());
  HttpClient second(server->port());
  for (HttpClient *client : {first.get(), &second}) {
    client->send(requestOf("POST", "/piece"));
    client->readUntil("piece");
  }
  HttpClient third(server->port());
  third.send(requestOf("POST", "/echo", "3"));
  third.setPatience(300);
  EXPECT_EQ(third.readBytes(1), "");
  first = nullptr;
  third.setPatience(20000);
  EXPECT_EQ(readAnswer(third).body, "3");
}

TEST_F(HttpServerTest, StopsWhenAnswersHaveBeenTaken) {
  start({.flush = 20s});
  HttpClient idle(server->port()), busy(server->port());
  idle.send(requestOf("POST", "/echo", "1"));
  EXPECT_EQ(readAnswer(idle).body, "1");
  busy.send(requestOf("POST", "/piece"));
  busy.readUntil("piece");
  server->stop();
  EXPECT_TRUE(idle.isClosed());
  server->post([this] {
    held.at(0)->send("last");
    held.at(0)->end();
  });
  EXPECT_NE(busy.readAll().find("last"), std::string::npos);
}

TEST_F(HttpServerTest, StopsThoughNobodyTakesAnAnswer) {
  start({.flush = 100ms});
  HttpClient busy(server->port());
  busy.send(requestOf("POST", "/piece"));
  busy.readUntil("piece");
  server->stop();
  expectGone(1);
}

TEST_F(HttpServerTest, NamesAPortThatIsTaken) {
  start();
  const auto second = HttpServer::listen({.port = server->port()}, nullptr);
  EXPECT_EQ(second.status().message().find("cannot listen on 127.0.0.1:"), 0u) << second.status();
}

} // namespace
} // namespace strata::serve
