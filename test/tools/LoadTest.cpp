//===- LoadTest.cpp - what strata-load sends and hears --------------------===//
//
// Against a server of this test that does what it is told, byte by byte.
//
//===----------------------------------------------------------------------===//

#include "runtime/base/Json.h"
#include "test/tools/StreamedChunks.h"
#include "tools/load/LoadReport.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace strata::test {
namespace {

using namespace load;
using namespace std::chrono_literals;

/// Listens on a port of this machine and gives each connection what `answer` says, in pieces with
/// pauses between them, then closes it. `answer` is called from one thread a connection.
class FakeServer {
public:
  using Answer = std::function<std::vector<std::string>(const std::string &request)>;

  explicit FakeServer(Answer answer)
      : answer(std::move(answer)), listener(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&address), size), 0);
    EXPECT_EQ(listen(listener, 64), 0);
    getsockname(listener, reinterpret_cast<sockaddr *>(&address), &size);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1";
    accepting = std::thread([this] { acceptAll(); });
  }
  ~FakeServer() {
    shutdown(listener, SHUT_RDWR);
    accepting.join();
    for (std::thread &each : connections)
      each.join();
    close(listener);
  }

  /// Returns once so many requests have waited for an answer at a time; not forever.
  void awaitRequests(int count) const {
    for (int i = 0; most < count && i < 20000; ++i)
      std::this_thread::sleep_for(1ms);
  }

  std::string url;
  std::atomic<int> most = 0; // requests that waited for an answer at a time

private:
  void acceptAll() {
    for (int descriptor; (descriptor = accept(listener, nullptr, nullptr)) >= 0;)
      connections.emplace_back([this, descriptor] { serve(descriptor); });
  }

  void serve(int descriptor) {
    const std::string request = readRequest(descriptor);
    const int now = ++open;
    for (int before = most; before < now && !most.compare_exchange_weak(before, now);)
      ;
    const std::vector<std::string> pieces = answer(request);
    --open;
    for (const std::string &piece : pieces) {
      send(descriptor, piece.data(), piece.size(), MSG_NOSIGNAL);
      std::this_thread::sleep_for(1ms);
    }
    shutdown(descriptor, SHUT_WR);
    char rest[256];
    while (recv(descriptor, rest, sizeof rest, 0) > 0)
      ;
    close(descriptor);
  }

  static std::string readRequest(int descriptor) {
    std::string text;
    char buffer[4096];
    for (;;) {
      const size_t head = text.find("\r\n\r\n"), length = text.find("Content-Length: ");
      if (head != std::string::npos &&
          text.size() - head - 4 >=
              (length < head ? std::strtoul(text.c_str() + length + 16, nullptr, 10) : 0))
        return text;
      const ssize_t count = recv(descriptor, buffer, sizeof buffer, 0);
      if (count <= 0)
        return text;
      text.append(buffer, size_t(count));
    }
  }

  const Answer answer;
  const int listener;
  std::atomic<int> open = 0;
  std::thread accepting;
  std::vector<std::thread> connections;
};

const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// As a chunk of HTTP.
std::string framed(const std::string &text) {
  char size[16];
  snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

/// A whole answer of two texts.
std::string wholeAnswer() {
  return kStreamHead + framed(chunk("a")) + framed(chunk("b") + kUsage) + framed(kDone) +
         "0\r\n\r\n";
}

std::string plain(const std::string &status, const std::string &body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::unique_ptr<HttpClient> connectTo(const std::string &url, const std::string &key = "",
                                      int64_t silentSeconds = 20) {
  return HttpClient::create(parseUrl(url).value(), key, silentSeconds).value();
}

std::vector<RequestResult> runLoad(const std::string &url, const WorkloadOptions &options,
                                   int64_t clients, int64_t silentSeconds = 20) {
  const Workload workload(options);
  const auto client = connectTo(url, "", silentSeconds);
  return LoadRun(*client, workload, "m").run(clients, [](int64_t) {});
}

/// How the only request failed that got this answer; empty: it did not.
std::string failureAfter(std::vector<std::string> pieces, int64_t silentSeconds = 20) {
  FakeServer server([&](const std::string &) { return pieces; });
  const auto results = runLoad(server.url, {.requests = 1}, 1, silentSeconds);
  return std::string(results.at(0).status.message());
}

TEST(Load, AsksForWhatItMeasures) {
  std::string asked;
  FakeServer server([&](const std::string &request) {
    asked = request;
    return std::vector{wholeAnswer()};
  });
  const Workload workload({.requests = 1, .prompt = {3, 3}, .output = {7, 7}, .vocabulary = 5});
  const auto client = connectTo(server.url, "secret");
  LoadRun(*client, workload, "m").run(1, [](int64_t) {});
  EXPECT_TRUE(asked.starts_with("POST /v1/completions HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("Authorization: Bearer secret\r\n"), std::string::npos) << asked;
  const auto document =
      JsonDocument::parse(asked.substr(asked.find("\r\n\r\n") + 4), "request").value();
  const JsonObject body = document.object().value();
  EXPECT_EQ(body.string("model").value(), "m");
  const auto prompt = body.integers("prompt", {0, 4}).value();
  EXPECT_EQ(std::vector<int32_t>(prompt.begin(), prompt.end()), workload.prompt(0));
  EXPECT_EQ(body.integer("max_tokens").value(), 7);
  EXPECT_EQ(body.number("temperature").value(), 0);
  EXPECT_TRUE(body.boolean("ignore_eos").value());
  EXPECT_TRUE(body.boolean("stream").value());
  EXPECT_TRUE(body.object("stream_options")->boolean("include_usage").value());
}

TEST(Load, ReadsAnswersInAnyPieces) {
  const std::string answer = wholeAnswer();
  for (size_t cut = 1; cut < answer.size(); cut += 7)
    ASSERT_EQ(failureAfter({answer.substr(0, cut), answer.substr(cut)}), "") << cut;
  std::vector<std::string> bytes;
  for (char byte : answer)
    bytes.emplace_back(1, byte);
  EXPECT_EQ(failureAfter(bytes), "");
}

TEST(Load, ReadsAnswersWithoutChunks) {
  const std::string body = chunk("a") + kUsage + kDone;
  EXPECT_EQ(failureAfter({plain("200 OK", body)}), "");
  EXPECT_EQ(failureAfter({"HTTP/1.1 200 OK\r\n\r\n" + chunk("a"), kUsage + kDone}), "");
}

TEST(Load, SaysHowARequestFailed) {
  EXPECT_EQ(failureAfter({plain("429 Too Many Requests", R"({"error": {"message": "later"}})")}),
            "429: later");
  EXPECT_EQ(failureAfter({plain("502 Bad Gateway", "<p>bad</p>")}), "502: <p>bad</p>");
  EXPECT_EQ(failureAfter({plain("200 OK", R"({"choices": [{"text": "no stream"}]})")}),
            "the stream ended without [DONE]");
  EXPECT_EQ(failureAfter({kStreamHead + framed(chunk("a")), framed(kDone)}),
            "the connection ended before the answer did"); // whole but for HTTP's last chunk
  EXPECT_EQ(failureAfter({kStreamHead + framed(chunk("a")).substr(0, 20)}),
            "the connection ended before the answer did");
  EXPECT_EQ(failureAfter({}), "the connection ended before the answer did");
  EXPECT_EQ(failureAfter({"220 mail.example.org ready\r\n\r\n"}), "the answer is not HTTP");
  EXPECT_EQ(
      failureAfter({kStreamHead +
                    framed(chunk("a") + "data: {\"error\": {\"message\": \"lost\"}}\n\n" + kDone) +
                    "0\r\n\r\n"}),
      "lost");
}

TEST(Load, GivesASilentServerUp) {
  std::atomic<bool> over = false;
  FakeServer server([&](const std::string &) {
    while (!over)
      std::this_thread::sleep_for(1ms);
    return std::vector<std::string>{};
  });
  const auto results = runLoad(server.url, {.requests = 1}, 1, 1);
  over = true;
  EXPECT_EQ(results.at(0).status.message(), "nothing came for 1 s");
}

TEST(Load, SaysWhereNobodyListens) {
  std::string url;
  {
    const FakeServer server([](const std::string &) { return std::vector<std::string>{}; });
    url = server.url;
  }
  const auto results = runLoad(url, {.requests = 2}, 2);
  EXPECT_EQ(results.at(0).status.message(), "cannot connect to " + url.substr(7, url.size() - 10));
  EXPECT_FALSE(results.at(1).status.ok());
}

TEST(Load, KeepsSoManyClientsBusy) {
  FakeServer server([&](const std::string &) {
    server.awaitRequests(4);
    return std::vector{wholeAnswer()};
  });
  const auto results = runLoad(server.url, {.requests = 24}, 4);
  EXPECT_EQ(server.most, 4);
  for (const RequestResult &result : results) {
    EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.texts.size(), 2u);
    EXPECT_LE(result.begin, result.texts[0]);
    EXPECT_LE(result.texts[1], result.end);
  }
}

/// One that fails is followed by the next like any other.
TEST(Load, GoesOnAfterFailures) {
  std::atomic<int> count = 0;
  FakeServer server([&](const std::string &) {
    return count++ % 2 ? std::vector<std::string>{} : std::vector{wholeAnswer()};
  });
  const LoadFigures figures = figuresOf({}, runLoad(server.url, {.requests = 10}, 1));
  EXPECT_EQ(figures.failed, 5);
  EXPECT_EQ(count, 10);
}

TEST(Load, SendsWhatIsDueWithoutWaiting) {
  FakeServer server([&](const std::string &) {
    server.awaitRequests(10);
    return std::vector{wholeAnswer()};
  });
  const WorkloadOptions options{.requests = 10, .rate = 200};
  const auto results = runLoad(server.url, options, 0);
  EXPECT_EQ(server.most, 10);
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_TRUE(results[i].status.ok()) << results[i].status;
    EXPECT_EQ(results[i].begin, Workload(options).due(int64_t(i))); // however late it was sent
  }
}

TEST(Load, WarmsUpUncountedAndStopsAtAnError) {
  std::atomic<int> count = 0;
  FakeServer server([&](const std::string &) {
    return std::vector{count++ < 3 ? wholeAnswer() : plain("500 Error", "no")};
  });
  const Workload workload({.requests = 1});
  const auto client = connectTo(server.url);
  LoadRun load(*client, workload, "m");
  EXPECT_TRUE(load.warmUp(3).ok());
  EXPECT_EQ(load.warmUp(3).message(), "500: no");
  EXPECT_EQ(count, 4);
}

TEST(Load, AsksForTheModel) {
  std::string answer = R"({"object": "list", "data": [{"id": "one"}, {"id": "two"}]})", asked;
  FakeServer server([&](const std::string &request) {
    asked = request;
    return std::vector{plain("200 OK", answer)};
  });
  const auto client = connectTo(server.url);
  EXPECT_EQ(askModel(*client).value(), "one");
  EXPECT_TRUE(asked.starts_with("GET /v1/models HTTP/1.1\r\n")) << asked;
  answer = R"({"data": []})";
  EXPECT_EQ(askModel(*client).status().message(), "/models: expected a model, found none");
  answer = "<html>";
  EXPECT_FALSE(askModel(*client).ok());
}

TEST(ServerUrl, IsRead) {
  const ServerUrl url = parseUrl("http://localhost:8000/v1/").value();
  EXPECT_EQ(url.host, "localhost");
  EXPECT_EQ(url.port, 8000);
  EXPECT_EQ(url.path, "/v1");
  EXPECT_EQ(parseUrl("http://example.org")->authority(), "example.org:80");
  EXPECT_EQ(parseUrl("http://[::1]:8000")->host, "::1");
  EXPECT_EQ(parseUrl("http://[::1]:8000")->authority(), "[::1]:8000");
  for (const char *wrong :
       {"", "localhost:8000", "https://x", "http://", "http://x:y", "demo.strata"})
    EXPECT_EQ(parseUrl(wrong).status().message(),
              "expected http://HOST:PORT, found \"" + std::string(wrong) + "\"");
  EXPECT_FALSE(HttpClient::create({"host.invalid", 80, ""}, "", 1).ok());
}

} // namespace
} // namespace strata::test
