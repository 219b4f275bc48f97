//===- LoadTest.cpp - what strata-load sends and how it measures ----------===//
//
// Parts alone, then the whole against a server of this test that does what it is told, byte by
// byte.
//
//===----------------------------------------------------------------------===//

#include "runtime/base/Json.h"
#include "test/runtime/TestFolder.h"
#include "tools/load/LoadReport.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <set>
#include <thread>

namespace strata::test {
namespace {

using namespace load;
using namespace std::chrono_literals;

//===----------------------------------------------------------------------===//
// Server-sent events
//===----------------------------------------------------------------------===//

std::vector<std::string> eventsOf(std::vector<std::string> pieces) {
  EventStream stream;
  std::vector<std::string> events;
  for (const std::string &piece : pieces)
    stream.push(piece, [&](std::string_view data) { events.emplace_back(data); });
  return events;
}

TEST(EventStream, CutsAtEveryPlaceAlike) {
  for (const char *end : {"\n", "\r\n", "\r"}) {
    std::string text =
        ": a comment|data: {\"a\": 1}||event: x|data:two|data: lines||id: 7||data: [DONE]||";
    for (size_t at; (at = text.find('|')) != std::string::npos;)
      text.replace(at, 1, end);
    const std::vector<std::string> events = {"{\"a\": 1}", "two\nlines", "[DONE]"};
    EXPECT_EQ(eventsOf({text}), events);
    for (size_t cut = 1; cut < text.size(); ++cut)
      EXPECT_EQ(eventsOf({text.substr(0, cut), text.substr(cut)}), events) << cut;
  }
}

TEST(EventStream, KeepsBackWhatIsNotComplete) {
  EXPECT_TRUE(eventsOf({"data: half"}).empty());
  EXPECT_TRUE(eventsOf({"data: half\n"}).empty());
  EXPECT_EQ(eventsOf({"data:\n\n"}), std::vector<std::string>{""});
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

/// A chunk that brings a text, as an event.
std::string chunk(const std::string &text) {
  return "data: {\"object\": \"text_completion\", \"choices\": [{\"index\": 0, \"text\": \"" +
         text + "\", \"finish_reason\": null}], \"usage\": null}\n\n";
}

const std::string kUsage = "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 7, "
                           "\"completion_tokens\": 5, \"total_tokens\": 12, "
                           "\"prompt_tokens_details\": {\"cached_tokens\": 4}}}\n\n";
const std::string kDone = "data: [DONE]\n\n";

TEST(StreamedAnswer, TellsWhenTextCameAndWhatWasTold) {
  StreamedAnswer answer;
  const Clock::time_point start{};
  EXPECT_TRUE(answer.push(chunk("") + chunk("a"), start + 1s).ok());
  EXPECT_TRUE(answer.push(chunk("bc") + kUsage + kDone, start + 3s).ok());
  EXPECT_TRUE(answer.end().ok());
  EXPECT_EQ(answer.texts(), (std::vector{start + 1s, start + 3s})); // the empty one is no text
  EXPECT_EQ(answer.usage().promptTokens, 7);
  EXPECT_EQ(answer.usage().generatedTokens, 5);
  EXPECT_EQ(answer.usage().cachedTokens, 4);
}

/// What the answer's end says of it.
std::string endOf(const std::string &bytes) {
  StreamedAnswer answer;
  (void)answer.push(bytes, Clock::now());
  return std::string(answer.end().message());
}

TEST(StreamedAnswer, SaysWhatIsWrong) {
  EXPECT_EQ(endOf(chunk("a") + kDone), "");
  EXPECT_EQ(endOf(chunk("a")), "the stream ended without [DONE]");
  EXPECT_EQ(endOf(""), "the stream ended without [DONE]");
  EXPECT_EQ(endOf("{\"choices\": []}\n"), "the stream ended without [DONE]"); // no stream at all
  EXPECT_EQ(endOf(kDone), "the stream brought no text");
  EXPECT_EQ(endOf(chunk("a") + "data: {\"error\": {\"message\": \"step failed\"}}\n\n" + kDone),
            "step failed");
  EXPECT_EQ(endOf("data: [1]\n\n"), "event: expected an object, found a list");
  EXPECT_EQ(endOf("data: {\"choices\": 1}\n\n"), "event: choices: expected a list, found 1");
  EXPECT_NE(endOf("data: {\"choices\n\n"), "");
}

//===----------------------------------------------------------------------===//
// Workloads
//===----------------------------------------------------------------------===//

TEST(Workload, ReadsLengths) {
  EXPECT_EQ(parseLengths("512")->least, 512);
  EXPECT_EQ(parseLengths("512")->most, 512);
  EXPECT_EQ(parseLengths("128:1024")->least, 128);
  EXPECT_EQ(parseLengths("128:1024")->most, 1024);
  for (const char *wrong : {"", "0", "9:8", "1:", ":4", "1:2:3", "a"})
    EXPECT_FALSE(parseLengths(wrong).ok()) << wrong;
}

TEST(Workload, IsTheSameForASeedAndAnotherForAnother) {
  const Workload one({.seed = 1}), again({.seed = 1}), other({.seed = 2});
  EXPECT_EQ(one.prompt(3), again.prompt(3));
  EXPECT_NE(one.prompt(3), other.prompt(3));
  EXPECT_NE(one.prompt(3), one.prompt(4));
  EXPECT_EQ(one.prompt(0).size(), 512u);
}

TEST(Workload, DrawsEveryLengthAndOnlyIdsOfTheVocabulary) {
  const Workload workload({.requests = 500, .prompt = {2, 5}, .output = {1, 3}, .vocabulary = 4});
  std::set<int64_t> prompts, outputs;
  std::set<int32_t> ids;
  for (int64_t i = 0; i < 500; ++i) {
    const std::vector<int32_t> prompt = workload.prompt(i);
    EXPECT_EQ(int64_t(prompt.size()), workload.size(i).prompt);
    prompts.insert(workload.size(i).prompt);
    outputs.insert(workload.size(i).output);
    ids.insert(prompt.begin(), prompt.end());
  }
  EXPECT_EQ(prompts, (std::set<int64_t>{2, 3, 4, 5}));
  EXPECT_EQ(outputs, (std::set<int64_t>{1, 2, 3}));
  EXPECT_EQ(ids, (std::set<int32_t>{0, 1, 2, 3}));
}

TEST(Workload, SharesAPrefixButNotWithWarmUps) {
  const Workload workload({.requests = 2, .prompt = {8, 8}, .prefix = 5});
  const auto first = workload.prompt(0), second = workload.prompt(1), warm = workload.prompt(2);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 5, second.begin()));
  EXPECT_NE(first, second);
  EXPECT_FALSE(std::equal(first.begin(), first.begin() + 5, warm.begin()));
}

TEST(Workload, ComesAtTheRateOnAverageAndAtRandom) {
  const Workload workload({.requests = 10000, .rate = 50});
  EXPECT_EQ(workload.due(0), 0);
  EXPECT_NEAR(workload.due(9999) / 9999, 1.0 / 50, 0.001);
  double squares = 0; // of an exponential distribution, deviation and mean are the same
  for (int64_t i = 1; i < 10000; ++i)
    squares += std::pow(workload.due(i) - workload.due(i - 1) - 1.0 / 50, 2);
  EXPECT_NEAR(std::sqrt(squares / 9999), 1.0 / 50, 0.001);
}

TEST(Workload, TakesLengthsFromAFile) {
  const TestFolder folder;
  const auto sizes = readSizes(folder.write("sizes", "3 1\n\n 7\t2 \r\n"));
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  const Workload workload({.sizes = *sizes});
  EXPECT_EQ(workload.size(0).prompt, 3);
  EXPECT_EQ(workload.size(1).output, 2);
  EXPECT_EQ(workload.size(2).prompt, 3); // again from the start
  EXPECT_NE(readSizes(folder.write("bad", "3 1\n3 0\n"))
                .status()
                .message()
                .find("bad:2: expected two whole numbers from 1 to 16777216, found \"3 0\""),
            std::string::npos);
  EXPECT_FALSE(readSizes(folder.write("more", "3 1 1\n")).ok());
  EXPECT_FALSE(readSizes(folder.write("none", "\n")).ok());
}

//===----------------------------------------------------------------------===//
// Figures
//===----------------------------------------------------------------------===//

TEST(LoadReport, InterpolatesQuantiles) {
  const Spread spread = spreadOf({4, 1, 3, 2});
  EXPECT_EQ(spread.mean, 2.5);
  EXPECT_EQ(spread.median, 2.5);
  EXPECT_NEAR(spread.p99, 3.97, 1e-12);
  EXPECT_TRUE(std::isnan(spreadOf({}).mean));
}

/// Two that were answered, the second slower and without usage, and one that failed.
std::vector<RequestResult> threeResults() {
  return {{{}, {10, 4}, {10, 8, 5}, 0, 2, {1, 1.25, 1.5, 1.75}},
          {{}, {20, 2}, {}, 1, 5, {4, 4.5}},
          {absl::InternalError("429: later"), {20, 2}, {}, 1, 9, {}}};
}

TEST(LoadReport, CountsAndMeasures) {
  const LoadFigures f = figuresOf({.goals = {.firstText = 2}}, threeResults());
  EXPECT_EQ(f.requests, 3);
  EXPECT_EQ(f.failed, 1);
  EXPECT_EQ(f.promptTokens, 30); // as told, or as asked
  EXPECT_EQ(f.cachedTokens, 8);
  EXPECT_EQ(f.generatedTokens, 7); // five that were told, two chunks
  EXPECT_EQ(f.askedTokens, 6);
  EXPECT_EQ(f.countedTexts, 1);
  EXPECT_EQ(f.seconds, 5);
  EXPECT_EQ(f.firstText.mean, 2);
  EXPECT_EQ(f.whole.mean, 3);
  EXPECT_EQ(f.betweenTexts.median, 0.25); // 0.25, 0.25, 0.25, 0.5
  EXPECT_NEAR(f.perToken.mean, (0.75 / 4 + 0.5) / 2, 1e-12);
  EXPECT_NEAR(f.tokensPerText, 7.0 / 6, 1e-12);
  EXPECT_EQ(f.withinGoals, 0.2); // the first alone, of 5 s
}

TEST(LoadReport, EveryGoalMustBeMet) {
  const auto within = [](const Goals &goals) {
    return figuresOf({.goals = goals}, threeResults()).withinGoals;
  };
  EXPECT_TRUE(std::isnan(within({})));
  EXPECT_EQ(within({.firstText = 3}), 0.4);
  EXPECT_EQ(within({.firstText = 3, .perToken = 0.2}), 0.2);
  EXPECT_EQ(within({.firstText = 3, .perToken = 0.2, .whole = 1.5}), 0);
}

TEST(LoadReport, IsATableOrJson) {
  const LoadSetup setup{.url = "http://x", .model = "m", .clients = 2};
  const std::string table = formatLoad(LoadFormat::markdown, setup, threeResults());
  EXPECT_NE(table.find("| 2 clients | 3 | 1 | 30 | 8 | 7 | 5.00 | 0.40 | 1.4 | 7.4 | - |"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("| TTFT | to the first text | 2000.00 | 2000.00 | 2980.00 |"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("1.17 tokens in a chunk of text."), std::string::npos) << table;
  EXPECT_NE(table.find("6 tokens were asked for, 7 came."), std::string::npos) << table;
  EXPECT_NE(table.find("Of 1 requests chunks were counted"), std::string::npos) << table;
  EXPECT_NE(table.find("1 failed: 429: later\n"), std::string::npos) << table;

  const auto document =
      JsonDocument::parse(formatLoad(LoadFormat::json, setup, threeResults()), "load").value();
  const JsonObject body = document.object().value();
  EXPECT_EQ(body.integer("failed").value(), 1);
  EXPECT_EQ(body.object("ttft")->number("mean").value(), 2);
  EXPECT_EQ(body.object("failures")->integer("429: later").value(), 1);
  EXPECT_EQ(body.array("each_request")->size(), 3u);
  EXPECT_TRUE(body.find("requests_within_goals_per_second")->isNull()); // no goal was set
}

TEST(LoadReport, OfNothingThereAreNoFigures) {
  const std::string table = formatLoad(LoadFormat::markdown, {.rate = 2.5},
                                       {{absl::InternalError("x"), {}, {}, 0, 1, {}}});
  EXPECT_NE(table.find("| 2.5/s | 1 | 1 | 0 | 0 | 0 | - | - | - | - | - |"), std::string::npos)
      << table;
}

//===----------------------------------------------------------------------===//
// Against a server
//===----------------------------------------------------------------------===//

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
