//===- ServeFaultTest.cpp - clients and engines that fail -----------------===//
//
// The server under what clients do to it: readers that hardly read, clients that go at any moment,
// thousands that say nothing, floods; and under steps that fail. Afterwards every page is free.
//
//===----------------------------------------------------------------------===//

#include "test/tools/ProcessFacts.h"
#include "test/tools/ServeFixture.h"

#include <algorithm>
#include <atomic>
#include <random>

namespace strata::test {
namespace {

using namespace std::chrono_literals;
using serving::Clock;
using serving::Outcome;

/// How long things may take on a machine that is busy with something else.
constexpr auto kPatience = 20s;

double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string completion(const std::string &fields) {
  return requestOf("POST", "/v1/completions", "{" + fields + "}");
}

class ServeFaultTest : public ServeFixture {
protected:
  /// Nothing runs, waits or has a page; soon.
  void expectNothingHeld() {
    const auto isHeld = [&] {
      const serving::Metrics metrics = scheduler->metrics();
      return metrics.running + metrics.waiting > 0 || metrics.freePages != metrics.pages;
    };
    for (const auto end = Clock::now() + kPatience; isHeld() && Clock::now() < end;)
      std::this_thread::sleep_for(1ms);
    const serving::Metrics metrics = scheduler->metrics();
    EXPECT_EQ(metrics.running, 0);
    EXPECT_EQ(metrics.waiting, 0);
    EXPECT_EQ(metrics.freePages, metrics.pages);
  }

  /// A request that nobody else may change.
  void expectRightAnswer(int32_t token) {
    const HttpAnswer answer =
        post("/v1/completions", "{\"prompt\": [" + std::to_string(token) +
                                    "], \"temperature\": 0, \"max_tokens\": 4}");
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto document = JsonDocument::parse(answer.body, "answer").value();
    const auto choices = document.object()->array("choices").value();
    EXPECT_EQ(choices.at(0).object()->string("text").value(), textAfter({token}, 4));
  }

  /// The longest that /health takes.
  double slowestHealth(int times) {
    double slowest = 0;
    for (int i = 0; i < times; ++i) {
      const auto start = Clock::now();
      EXPECT_EQ(get("/health").status, 200);
      slowest = std::max(slowest, millisecondsSince(start));
    }
    return slowest;
  }
};

/// Steps that take long enough for something to happen meanwhile.
HashDevice::Fault slowSteps(std::chrono::microseconds time = 500us) {
  return [time] {
    std::this_thread::sleep_for(time);
    return absl::OkStatus();
  };
}

//===----------------------------------------------------------------------===//
// Clients
//===----------------------------------------------------------------------===//

/// Each of them would get some 5 MB.
TEST_F(ServeFaultTest, ReadersOfAByteAtATimeAreCancelledAndHoldNobodyUp) {
  start({.scheduler = {.stepTokens = 64, .mostRunning = 32, .mostWaiting = 400},
         .http = {.mostUnsentBytes = 200'000, .stall = 1s}});
  std::string prompts = "[1]";
  for (int i = 2; i <= 8; ++i)
    prompts += ", [" + std::to_string(i) + "]";
  std::vector<std::unique_ptr<HttpClient>> readers;
  for (int i = 0; i < 4; ++i) {
    readers.push_back(std::make_unique<HttpClient>(server->port(), 1));
    readers.back()->send(completion("\"prompt\": [" + prompts +
                                    "], \"n\": 8, \"max_tokens\": 60, \"logprobs\": 20, "
                                    "\"ignore_eos\": true, \"stream\": true"));
  }
  std::atomic<bool> done = false;
  std::thread reading([&] {
    for (; !done; std::this_thread::sleep_for(100ms))
      for (auto &reader : readers)
        reader->readBytes(1);
  });
  for (int32_t token = 1; token <= 20; ++token)
    expectRightAnswer(token);
  expectNothingHeld();
  done = true;
  reading.join();
  EXPECT_GT(scheduler->metrics().of(Outcome::cancelled), 0u);
  for (auto &reader : readers)
    EXPECT_TRUE(reader->isClosed());
}

/// Where a client goes: how much of its request it sends, and how much of the answer it waits for.
void goSomewhere(uint16_t port, std::mt19937 &random) {
  const bool streams = random() % 2;
  const std::string request = completion(
      "\"prompt\": [" + std::to_string(random() % 2000) +
      std::string(random() % 2 ? ", 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20" : "") +
      "], \"ignore_eos\": true, \"max_tokens\": " + std::to_string(1 + random() % 48) +
      (streams ? ", \"stream\": true" : ""));
  HttpClient client(port);
  const size_t head = request.find("\r\n\r\n") + 4;
  switch (random() % 6) {
  case 0: // before its headers are whole
    return client.send(request.substr(0, random() % head));
  case 1: // in its body
    return client.send(request.substr(0, head + random() % (request.size() - head)));
  case 2: // queued, or in its prompt
    return client.send(request);
  case 3: // some time later
    client.send(request);
    return std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
  case 4: // once the answer has begun
    client.send(request);
    client.setPatience(int(1 + random() % 20));
    client.readBytes(1 + random() % 400);
    return;
  default: // with a reset
    client.send(request);
    client.resetWhenClosed();
  }
}

TEST_F(ServeFaultTest, AThousandClientsGoAtEveryStage) {
  start({.pages = 60,
         .scheduler = {.stepTokens = 16, .mostRunning = 4, .mostWaiting = 400},
         .fault = slowSteps(200us)});
  const int descriptors = openDescriptors();
  std::vector<std::thread> leavers;
  for (unsigned seed = 0; seed < 8; ++seed)
    leavers.emplace_back([this, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 125; ++i)
        goSomewhere(server->port(), random);
    });
  for (int32_t token = 1; token <= 30; ++token) // who stays gets what is right
    expectRightAnswer(token);
  for (std::thread &leaver : leavers)
    leaver.join();
  const auto last = Clock::now();
  expectNothingHeld();
  RecordProperty("free_after_ms", std::to_string(millisecondsSince(last)));
  EXPECT_GT(scheduler->metrics().of(Outcome::cancelled), 100u);
  EXPECT_EQ(scheduler->metrics().of(Outcome::failed), 0u);
  expectRightAnswer(31);
  for (const auto end = Clock::now() + kPatience;
       openDescriptors() > descriptors && Clock::now() < end;)
    std::this_thread::sleep_for(1ms);
  EXPECT_LE(openDescriptors(), descriptors);
}

TEST_F(ServeFaultTest, ACancelledRequestThatWaitsLeavesTheOneThatRunsAlone) {
  start({.scheduler = {.stepTokens = 16, .mostRunning = 1}, .fault = slowSteps(2ms)});
  HttpClient running(server->port());
  running.send(completion("\"prompt\": [1], \"temperature\": 0, \"max_tokens\": 40"));
  while (scheduler->metrics().running == 0)
    std::this_thread::sleep_for(1ms);
  {
    HttpClient waiting(server->port());
    waiting.send(completion("\"prompt\": [2], \"max_tokens\": 40"));
    while (scheduler->metrics().waiting == 0)
      std::this_thread::sleep_for(1ms);
  }
  while (scheduler->metrics().waiting > 0)
    std::this_thread::sleep_for(1ms);
  const HttpAnswer answer = readAnswer(running);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(scheduler->metrics().of(Outcome::cancelled), 1u);
}

/// Clients that hold a connection and send nothing, or half a request, beside those with texts.
TEST_F(ServeFaultTest, ThousandsOfConnectionsHoldNobodyUp) {
  allowManyDescriptors();
  start({.pages = 2000,
         .scheduler = {.stepTokens = 64, .mostRunning = 32, .mostWaiting = 400},
         .fault = slowSteps(),
         .http = {.mostConnections = 4096}});
  const int descriptors = openDescriptors();
  const size_t many = std::min<size_t>(1000, (mostDescriptors() - 1000) / 5);
  const size_t before = residentBytes();
  std::vector<std::unique_ptr<HttpClient>> quiet, half, active;
  for (size_t i = 0; i < many; ++i) {
    quiet.push_back(std::make_unique<HttpClient>(server->port()));
    half.push_back(std::make_unique<HttpClient>(server->port()));
    half.back()->send("POST /v1/completions HTTP/1.1\r\nContent-Le");
  }
  for (int i = 0; i < 256; ++i) {
    active.push_back(std::make_unique<HttpClient>(server->port()));
    active.back()->send(
        completion("\"prompt\": [" + std::to_string(i) +
                   "], \"ignore_eos\": true, \"max_tokens\": 60, \"stream\": true"));
  }
  const double slowest = slowestHealth(50);
  RecordProperty("health_ms", std::to_string(slowest));
  EXPECT_LT(slowest, 2000);
  EXPECT_LT(residentBytes() - before, 64u << 20);
  for (auto &client : active)
    EXPECT_TRUE(readAnswer(*client).body.ends_with("data: [DONE]\n\n"));
  quiet.clear();
  half.clear();
  active.clear();
  expectNothingHeld();
  for (const auto end = Clock::now() + kPatience;
       openDescriptors() > descriptors && Clock::now() < end;)
    std::this_thread::sleep_for(1ms);
  EXPECT_LE(openDescriptors(), descriptors);
}

/// Their tokens take much longer than an answer of /health.
TEST_F(ServeFaultTest, LongTextsHoldNobodyUp) {
  std::string text;
  while (text.size() < 2 << 20)
    text += "In the beginning God created the heaven and the earth. ";
  const auto isLong = [&](const char *path) {
    const HttpAnswer answer = post(path, "{\"prompt\": \"" + text + "\"}");
    return answer.status == 200 || answer.body.find("the context") != std::string::npos;
  };
  std::atomic<bool> done = false;
  double slowest = 0;
  const auto start = Clock::now();
  std::thread asking([&] {
    for (const char *path : {"/tokenize", "/v1/completions", "/tokenize", "/v1/completions"})
      EXPECT_TRUE(isLong(path)) << path;
    done = true;
  });
  for (; !done; std::this_thread::sleep_for(1ms))
    slowest = std::max(slowest, slowestHealth(1));
  const double took = millisecondsSince(start);
  asking.join();
  RecordProperty("health_ms", std::to_string(slowest));
  RecordProperty("texts_ms", std::to_string(took));
  EXPECT_LT(slowest, std::max(50.0, took / 8)); // of four texts
}

/// Some 10 MB of log-probabilities.
TEST_F(ServeFaultTest, LongAnswersHoldNobodyUp) {
  std::string prompt = "[1";
  for (int i = 1; i < 60; ++i)
    prompt += "," + std::to_string(i);
  std::string prompts = prompt + "]";
  for (int i = 1; i < 256; ++i)
    prompts += "," + prompt + "]";
  start({.scheduler = {.stepTokens = 64, .mostRunning = 8, .mostWaiting = 400}});
  std::atomic<bool> done = false;
  double slowest = 0;
  std::thread asking([&] {
    const HttpAnswer answer =
        post("/v1/completions", "{\"prompt\": [" + prompts +
                                    "], \"echo\": true, \"logprobs\": 20, \"max_tokens\": 1}");
    EXPECT_EQ(answer.status, 200);
    EXPECT_GT(answer.body.size(), 5u << 20);
    done = true;
  });
  for (; !done; std::this_thread::sleep_for(1ms))
    slowest = std::max(slowest, slowestHealth(1));
  asking.join();
  RecordProperty("health_ms", std::to_string(slowest));
  EXPECT_LT(slowest, 500); // ms; 790 when the loop wrote the answer. A sanitizer takes 180
}

/// Whoever goes while its text is being read leaves nothing that would run for nobody.
TEST_F(ServeFaultTest, ClientsGoWhileTheirTextsAreRead) {
  const std::string spaces(1 << 20, ' '); // of JSON, so that the body is long and its text short
  for (int i = 0; i < 20; ++i) {
    HttpClient client(server->port());
    client.send(completion("\"prompt\": [1], \"ignore_eos\": true, \"max_tokens\": 60" + spaces));
  }
  expectRightAnswer(1);
  expectNothingHeld();
  EXPECT_LT(scheduler->metrics().generatedTokens, 20u * 60);
}

/// One of many kinds of request; the status that it must get.
std::pair<std::string, int> mixedRequest(unsigned number) {
  const std::string token = std::to_string(number % 2000);
  switch (number % 10) {
  case 0:
    return {requestOf("GET", "/metrics"), 200};
  case 1:
    return {requestOf("POST", "/tokenize", R"({"prompt": "In the beginning"})"), 200};
  case 2:
    return {requestOf("POST", "/v1/chat/completions",
                      R"({"messages": [{"role": "user", "content": "In"}], "max_tokens": 3})"),
            200};
  case 3:
    return {completion("\"prompt\": [" + token + "], \"max_tokens\": 9, \"stop\": [\"e\", \"th\"]"),
            200};
  case 4:
    return {completion("\"prompt\": [[" + token + "], [1]], \"n\": 2, \"max_tokens\": 2"), 200};
  case 5:
    return {completion("\"prompt\": [" + token + ", 1, 2], \"echo\": true, \"logprobs\": 5"), 200};
  case 6:
    return {completion("\"prompt\": [" + token + "], \"temperature\": \"hot\""), 400};
  case 7:
    return {requestOf("GET", "/v1/nothing"), 404};
  default:
    return {completion("\"prompt\": [" + token + "], \"max_tokens\": 8, \"stream\": true"), 200};
  }
}

/// As many as STRATA_SERVE_REQUESTS says; 2,000 if it does not.
TEST_F(ServeFaultTest, MixedRequestsLeaveNothingBehind) {
  const char *wanted = std::getenv("STRATA_SERVE_REQUESTS");
  const unsigned count = wanted ? unsigned(std::atoi(wanted)) : 2000;
  std::atomic<unsigned> next = 0;
  const auto serveUntil = [&](unsigned end) {
    std::vector<std::thread> clients;
    for (unsigned seed = 0; seed < 4; ++seed)
      clients.emplace_back([&, seed] {
        std::mt19937 random(seed);
        std::optional<HttpClient> client;
        for (unsigned number; (number = next++) < end;) {
          if (number % 25 == 0)
            goSomewhere(server->port(), random);
          if (!client || number % 50 == 0)
            client.emplace(server->port());
          const auto [request, status] = mixedRequest(number);
          client->send(request);
          EXPECT_EQ(readAnswer(*client).status, status) << request;
        }
      });
    for (std::thread &client : clients)
      client.join();
    next = end;
  };
  serveUntil(count / 2); // the memory that it takes
  expectNothingHeld();
  const size_t before = residentBytes();
  serveUntil(count);
  expectNothingHeld();
  const double grown = double(residentBytes()) - double(before);
  RecordProperty("grown_bytes_per_1000", std::to_string(grown * 2000 / count));
  EXPECT_LT(grown, double(1 << 20) * (4 + count / 2000.0)); // some is the allocator's
}

//===----------------------------------------------------------------------===//
// Engines
//===----------------------------------------------------------------------===//

/// The requests of the k-th step fail, whichever it is: the first of a prompt, a later one, one of
/// the text; no others.
TEST_F(ServeFaultTest, AStepThatFailsFailsItsRequestsAlone) {
  for (const int k : {1, 2, 3, 4, 7, 12, 20}) {
    std::atomic<int> steps = 0;
    start({.fault = [&] {
      return ++steps == k ? absl::InternalError("step failed") : absl::OkStatus();
    }});
    const std::string body = R"({"prompt": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
      17, 18, 19, 20], "ignore_eos": true, "max_tokens": 24})"; // two steps for its prompt
    EXPECT_EQ(refusal(500, "/v1/completions", body), "step failed") << k;
    EXPECT_EQ(steps, k);
    expectNothingHeld();
    EXPECT_EQ(post("/v1/completions", body).status, 200);
    EXPECT_EQ(get("/health").status, 200);
    EXPECT_EQ(scheduler->metrics().of(Outcome::failed), 1u);
  }
}

/// Those that run and those that wait are told at once, and nobody is taken any more.
TEST_F(ServeFaultTest, ALostDeviceFailsAllRequestsAndTheServersHealth) {
  std::atomic<bool> lost = false, told = false;
  start({.scheduler = {.stepTokens = 16, .mostRunning = 2, .onBroken = [&] { told = true; }},
         .fault = [&] {
           std::this_thread::sleep_for(1ms);
           absl::Status status = lost ? absl::InternalError("the GPU is gone") : absl::OkStatus();
           if (lost)
             markLost(status);
           return status;
         }});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server->port()));
    clients.back()->send(
        completion("\"prompt\": [1], \"ignore_eos\": true, \"max_tokens\": 60" +
                   std::string(i == 0 ? ", \"logprobs\": 0, \"stream\": true" : "")));
    while (scheduler->metrics().running + scheduler->metrics().waiting <= i)
      std::this_thread::sleep_for(1ms);
  }
  clients[0]->readUntil("data: "); // it has begun
  lost = true;
  EXPECT_NE(clients[0]->readUntil("[DONE]").find("the GPU is gone"), std::string::npos);
  for (size_t i = 1; i < clients.size(); ++i) {
    const HttpAnswer answer = readAnswer(*clients[i]);
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_NE(answer.body.find("the GPU is gone"), std::string::npos);
  }
  EXPECT_EQ(get("/health").status, 503);
  EXPECT_EQ(refusal(503, "/v1/completions", R"({"prompt": [1]})"), "the engine has failed");
  expectNothingHeld();
  EXPECT_TRUE(told);
  EXPECT_EQ(scheduler->failure().message(), "the GPU is gone");
}

} // namespace
} // namespace strata::test
