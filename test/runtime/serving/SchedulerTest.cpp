//===- SchedulerTest.cpp - many requests on one engine --------------------===//

#include "runtime/serving/Scheduler.h"

#include "test/runtime/serving/HashEngine.h"
#include "test/runtime/serving/Recorder.h"

#include <atomic>
#include <optional>
#include <random>

namespace strata::test {
namespace {

using namespace serving;
using namespace std::chrono_literals;
using Ids = std::vector<int32_t>;

class SchedulerTest : public testing::Test {
protected:
  void start(
      uint32_t pages, SchedulerOptions options = {.stepTokens = 16, .mostRunning = 8},
      HashDevice::Fault fault = [] { return absl::OkStatus(); }) {
    auto started = Scheduler::start(model.opener(pages, fault), tokenizer(), options);
    ASSERT_TRUE(started.ok()) << started.status();
    scheduler = *std::move(started);
  }

  std::shared_ptr<Recorder> submit(Request request) {
    auto recorder = std::make_shared<Recorder>();
    auto id = scheduler->submit(std::move(request), recorder);
    EXPECT_TRUE(id.ok()) << id.status();
    return recorder;
  }

  std::shared_ptr<Recorder> run(Request request) {
    auto recorder = submit(std::move(request));
    recorder->wait();
    return recorder;
  }

  /// All pages are free, once what has ended is gone.
  void expectNothingHeld() {
    scheduler->drain(Clock::now() + 10s);
    const Metrics metrics = scheduler->metrics();
    EXPECT_EQ(metrics.freePages, metrics.pages);
    EXPECT_EQ(metrics.running + metrics.waiting, 0);
  }

  HashEngine model;
  std::unique_ptr<Scheduler> scheduler;
};

TEST_F(SchedulerTest, EachTextIsWhatItIsAlone) {
  start(/*pages=*/200);
  std::vector<std::pair<Ids, std::shared_ptr<Recorder>>> all;
  for (const Request &request : mixedPrompts(kVocabulary))
    all.emplace_back(request.prompt, submit(request));
  for (auto &[tokens, recorder] : all) {
    recorder->wait();
    EXPECT_EQ(recorder->tokens, expectedAfter(tokens, recorder->usage.generatedTokens));
    EXPECT_EQ(recorder->usage.promptTokens, int64_t(tokens.size()));
  }
  expectNothingHeld();
}

TEST_F(SchedulerTest, TextsAreTheSameWhenPagesRunOut) {
  start(/*pages=*/20); // 80 tokens; eight texts of up to 48 want 384
  std::vector<std::pair<Ids, std::shared_ptr<Recorder>>> all;
  for (int32_t i = 0; i < 8; ++i) {
    Ids tokens(16, 100 + i);
    all.emplace_back(tokens, submit(prompt(tokens, 32)));
  }
  for (auto &[tokens, recorder] : all) {
    recorder->wait();
    ASSERT_TRUE(recorder->reason) << recorder->status;
    EXPECT_EQ(recorder->tokens, expectedAfter(tokens, 32));
  }
  EXPECT_GT(scheduler->metrics().preemptions, 0u);
  expectNothingHeld();
}

TEST_F(SchedulerTest, ATextOfTheWholeCacheRuns) {
  start(/*pages=*/16);
  auto first = submit(prompt(Ids(60, 7), 4)), second = submit(prompt(Ids(60, 8), 4));
  first->wait();
  second->wait();
  EXPECT_EQ(first->tokens, expectedAfter(Ids(60, 7), 4));
  EXPECT_EQ(second->tokens, expectedAfter(Ids(60, 8), 4));
}

TEST_F(SchedulerTest, PromptsLeaveTextsTheirTime) {
  // Steps until a prompt of 48 tokens has its first, beside a text that is being written.
  const auto stepsOfPrompt = [&](std::chrono::milliseconds target) {
    std::atomic<int> steps = 0;
    start(200, {.stepTokens = 64, .targetItl = target}, [&] {
      ++steps;
      std::this_thread::sleep_for(5ms);
      return absl::OkStatus();
    });
    int first = 0, last = 0;
    auto writing = std::make_shared<Recorder>(), beside = std::make_shared<Recorder>();
    writing->onPart = [&] {
      if (writing->parts != 3)
        return;
      first = steps;
      EXPECT_TRUE(scheduler->submit(prompt(Ids(48, 5), 1), beside).ok());
    };
    beside->onPart = [&] { last = steps; };
    Request request = prompt({1, 2, 3}, 20);
    request.ignoreEnd = true;
    EXPECT_TRUE(scheduler->submit(std::move(request), writing).ok());
    beside->wait();
    writing->wait();
    EXPECT_EQ(beside->tokens, expectedAfter(Ids(48, 5), 1));
    scheduler.reset();
    return last - first;
  };
  EXPECT_EQ(stepsOfPrompt(0ms), 1);
  EXPECT_EQ(stepsOfPrompt(10s), 1);
  EXPECT_EQ(stepsOfPrompt(1ms), 3); // 16 tokens each
}

TEST_F(SchedulerTest, StopTokensEndATextAndLeastTokensComeFirst) {
  start(200);
  const Ids five = expectedAfter({1, 2, 3}, 5);
  Request request = prompt({1, 2, 3}, 5);
  request.stopTokens = {five[1]};
  auto stopped = run(request);
  EXPECT_EQ(stopped->tokens, Ids(five.begin(), five.begin() + 2));
  EXPECT_EQ(stopped->reason, FinishReason::stop);
  request.leastTokens = 3;
  EXPECT_EQ(run(request)->tokens, five);
}

TEST_F(SchedulerTest, AStopTextIsNoPartOfTheText) {
  start(200);
  const std::string whole = run(prompt({5, 6}, 12))->text;
  ASSERT_GT(whole.size(), 6u);
  for (size_t begin = 1; begin + 3 <= whole.size(); ++begin) {
    Request request = prompt({5, 6}, 12);
    request.stopTexts = {whole.substr(begin, 3)};
    auto stopped = run(request);
    EXPECT_EQ(stopped->text, whole.substr(0, whole.find(request.stopTexts[0])));
    EXPECT_EQ(stopped->reason, FinishReason::stop);
  }
}

TEST_F(SchedulerTest, LogProbabilitiesAreOfTheModelWhateverIsSampled) {
  start(200);
  Request request = prompt({9, 8, 7}, 2);
  request.topLogProbs = 3;
  request.promptLogProbs = true;
  request.adjustments.bias = {{1234, 100}};
  auto scored = run(request);
  EXPECT_EQ(scored->tokens, (Ids{1234, 1234}));
  ASSERT_EQ(scored->prompt.size(), 2u); // of the second and the third token
  ASSERT_EQ(scored->scores.size(), 2u);
  const auto expected = scoreToken(HashDevice::rowAfter(Ids{9, 8}, kVocabulary), 7, 3).value();
  EXPECT_EQ(scored->prompt[1].token.logProb, expected.token.logProb);
  ASSERT_EQ(scored->prompt[1].top.size(), 3u);
  EXPECT_EQ(scored->prompt[1].top[0].token, expected.top[0].token);
  const auto first = scoreToken(HashDevice::rowAfter(Ids{9, 8, 7}, kVocabulary), 1234, 3).value();
  EXPECT_EQ(scored->scores[0].token.logProb, first.token.logProb);
  EXPECT_LT(first.token.logProb, first.top[0].logProb);
}

TEST_F(SchedulerTest, ALongPromptIsScoredOnceThoughItsPagesWereTaken) {
  start(/*pages=*/20, {.stepTokens = 8, .mostRunning = 4});
  auto other = submit(prompt(Ids(16, 3), 40));
  Request request = prompt(Ids(40, 4), 0);
  request.promptLogProbs = true;
  auto scored = run(request);
  EXPECT_EQ(scored->prompt.size(), 39u);
  EXPECT_EQ(scored->reason, FinishReason::length);
  EXPECT_TRUE(scored->tokens.empty());
  other->wait();
  EXPECT_EQ(other->tokens, expectedAfter(Ids(16, 3), 40));
}

TEST_F(SchedulerTest, TextsThatBeginAlikeAreComputedOnce) {
  start(200);
  Ids shared(30, 7);
  EXPECT_EQ(run(prompt(shared, 4))->usage.cachedTokens, 0);
  shared.push_back(8);
  auto second = run(prompt(shared, 4));
  EXPECT_EQ(second->usage.cachedTokens, 28); // seven pages of 4
  EXPECT_EQ(second->tokens, expectedAfter(shared, 4));
  // What was generated is known as well: the next turn of a conversation.
  shared.insert(shared.end(), second->tokens.begin(), second->tokens.end());
  shared.push_back(9);
  auto third = run(prompt(shared, 4));
  EXPECT_EQ(third->usage.cachedTokens, 32);
  EXPECT_EQ(third->tokens, expectedAfter(shared, 4));
  // The same once more: its last token must be computed.
  EXPECT_EQ(run(prompt(Ids(28, 7), 1))->usage.cachedTokens, 24);
  expectNothingHeld();
}

TEST_F(SchedulerTest, APromptThatIsScoredIsComputed) {
  start(200);
  run(prompt(Ids(30, 7), 1));
  Request request = prompt(Ids(30, 7), 1);
  request.promptLogProbs = true;
  auto scored = run(request);
  EXPECT_EQ(scored->usage.cachedTokens, 0);
  EXPECT_EQ(scored->prompt.size(), 29u);
}

TEST_F(SchedulerTest, WithoutAPrefixCacheAllIsComputed) {
  start(200, {.stepTokens = 16, .mostRunning = 8, .prefixCache = false});
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(run(prompt(Ids(30, 7), 1))->usage.cachedTokens, 0);
}

TEST_F(SchedulerTest, TextsOfRandomBeginningsAreWhatTheyAreAlone) {
  start(/*pages=*/40, {.stepTokens = 12, .mostRunning = 6, .mostWaiting = 2000});
  std::mt19937 random(3);
  std::vector<std::pair<Ids, std::shared_ptr<Recorder>>> all;
  for (int i = 0; i < 300; ++i) {
    Ids tokens; // of two kinds of page, so that beginnings are often the same
    for (size_t page = 1 + random() % 8; page > 0; --page)
      tokens.insert(tokens.end(), 4, int32_t(20 + random() % 2));
    tokens.resize(tokens.size() - random() % 4);
    all.emplace_back(tokens, submit(prompt(tokens, 1 + random() % 12)));
  }
  for (auto &[tokens, recorder] : all) {
    recorder->wait();
    EXPECT_EQ(recorder->tokens, expectedAfter(tokens, int64_t(recorder->tokens.size())));
  }
  EXPECT_GT(scheduler->metrics().cachedTokens, 0u);
  expectNothingHeld();
}

TEST_F(SchedulerTest, CancelsAtEveryStage) {
  start(200, {.stepTokens = 4, .mostRunning = 1});
  std::promise<void> begun;
  auto running = std::make_shared<Recorder>();
  running->onPart = [&] {
    if (running->parts == 2)
      begun.set_value();
    std::this_thread::sleep_for(1ms);
  };
  const RequestId first = scheduler->submit(prompt({1, 2}, 60), running).value();
  auto waiting = std::make_shared<Recorder>();
  const RequestId second = scheduler->submit(prompt({1, 2}, 60), waiting).value();
  begun.get_future().wait();
  scheduler->cancel(second);
  waiting->wait();
  EXPECT_TRUE(absl::IsCancelled(waiting->status));
  scheduler->cancel(first);
  running->wait();
  EXPECT_TRUE(absl::IsCancelled(running->status));
  EXPECT_LT(running->parts, 60);
  auto longPrompt = std::make_shared<Recorder>();
  scheduler->cancel(scheduler->submit(prompt(Ids(50, 1), 1), longPrompt).value());
  longPrompt->wait();
  scheduler->cancel(12345); // nobody's
  expectNothingHeld();
}

TEST_F(SchedulerTest, RefusesMoreThanMayWait) {
  start(200, {.stepTokens = 4, .mostRunning = 1, .mostWaiting = 2});
  std::promise<void> go;
  auto gate = std::make_shared<Recorder>();
  gate->onPart = [&, held = go.get_future().share()] { held.wait(); };
  ASSERT_TRUE(scheduler->submit(prompt({1}, 2), gate).ok());
  auto second = submit(prompt({2}, 1)), third = submit(prompt({3}, 1));
  auto refused = scheduler->submit(prompt({4}, 1), std::make_shared<Recorder>());
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_TRUE(says(refused.status(), "expected at most 2 requests to wait, found more"));
  go.set_value();
  third->wait();
  EXPECT_EQ(third->reason, FinishReason::length);
}

TEST_F(SchedulerTest, ADeadlineEndsARequest) {
  start(200);
  Request late = prompt({1}, 4);
  late.deadline = Clock::now() - 1s;
  EXPECT_TRUE(absl::IsDeadlineExceeded(run(late)->status));
  late.deadline = Clock::now() + 1h;
  EXPECT_EQ(run(late)->reason, FinishReason::length);
}

/// Somebody has to ask, and nothing may run meanwhile.
TEST_F(SchedulerTest, CeilingsAreMeasuredWhenNothingRuns) {
  std::atomic<bool> runs = false;
  std::promise<void> go;
  start(/*pages=*/200, {}, [&, held = go.get_future().share()] {
    runs = true;
    held.wait();
    return absl::OkStatus();
  });
  auto text = submit(prompt({1, 2}, 4));
  while (!runs)
    std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(scheduler->ceilings());
  std::this_thread::sleep_for(600ms); // longer than it waits of itself
  EXPECT_FALSE(scheduler->ceilings());
  go.set_value();
  text->wait();
  while (!scheduler->ceilings())
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(scheduler->ceilings()->read, HashDevice::kReadCeiling);
  EXPECT_EQ(scheduler->ceilings()->flops, HashDevice::kFlopCeiling);
  EXPECT_EQ(scheduler->ceilings()->instruction, "hash");
}

TEST_F(SchedulerTest, AFailedStepFailsItsRequestsAndNoOthers) {
  std::atomic<int> steps = 0;
  start(200, {.stepTokens = 16, .mostRunning = 8},
        [&] { return ++steps == 3 ? absl::InternalError("third step") : absl::OkStatus(); });
  auto failed = run(prompt({1, 2}, 10));
  EXPECT_TRUE(says(failed->status, "third step"));
  EXPECT_EQ(failed->tokens.size(), 2u);
  EXPECT_EQ(run(prompt({1, 2}, 10))->tokens, expectedAfter({1, 2}, 10));
  expectNothingHeld();
}

TEST_F(SchedulerTest, LogitsThatAreNoNumbersFailTheirRequestAlone) {
  start(200, {.stepTokens = 64, .mostRunning = 8});
  auto first = submit(prompt({1, 2}, 20)), broken = submit(prompt({1, HashDevice::kBroken}, 20));
  broken->wait();
  first->wait();
  EXPECT_TRUE(says(broken->status, "expected a number, found NaN"));
  EXPECT_EQ(first->tokens, expectedAfter({1, 2}, 20));
  expectNothingHeld();
}

TEST_F(SchedulerTest, AnEngineThatFailsAgainAndAgainTakesNoMoreRequests) {
  std::promise<void> told;
  start(200, {.onBroken = [&] { told.set_value(); }}, [] { return absl::InternalError("lost"); });
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(scheduler->healthy());
    EXPECT_TRUE(says(run(prompt({1}, 1))->status, "lost"));
  }
  EXPECT_FALSE(scheduler->healthy());
  told.get_future().wait();
  EXPECT_TRUE(says(scheduler->failure(), "lost"));
  auto refused = scheduler->submit(prompt({1}, 1), std::make_shared<Recorder>());
  EXPECT_TRUE(absl::IsUnavailable(refused.status()));
}

/// A step that waits for `go` and then loses the device.
HashDevice::Fault lossAfter(std::promise<void> &go) {
  return [held = go.get_future().share()] {
    held.wait();
    absl::Status status = absl::InternalError("the GPU is gone");
    markLost(status);
    return status;
  };
}

TEST_F(SchedulerTest, ALostDeviceFailsEveryRequestAtOnce) {
  std::promise<void> go;
  start(200, {.stepTokens = 16, .mostRunning = 1}, lossAfter(go));
  auto runs = submit(prompt({1}, 9)), waits = submit(prompt({2}, 9));
  go.set_value();
  for (const auto &each : {runs, waits}) {
    each->wait();
    EXPECT_TRUE(says(each->status, "the GPU is gone"));
  }
  EXPECT_TRUE(isLost(scheduler->failure()));
  expectNothingHeld();
}

/// The end is near in any case: nobody is told of another.
TEST_F(SchedulerTest, ADeviceThatIsLostDuringADrainEndsIt) {
  std::promise<void> go;
  std::atomic<bool> told = false;
  start(200, {.onBroken = [&] { told = true; }}, lossAfter(go));
  auto runs = submit(prompt({1, 2}, 9));
  std::thread draining([&] { scheduler->drain(Clock::now() + 1h); });
  while (scheduler->healthy())
    std::this_thread::sleep_for(1ms);
  go.set_value();
  draining.join();
  runs->wait();
  EXPECT_TRUE(says(runs->status, "the GPU is gone"));
  EXPECT_FALSE(told);
}

TEST_F(SchedulerTest, DrainsWhatRunsAndTakesNothingNew) {
  start(200);
  auto running = submit(prompt({1, 2}, 30));
  scheduler->drain(Clock::now() + 10s);
  EXPECT_EQ(running->reason, FinishReason::length);
  EXPECT_TRUE(absl::IsUnavailable(
      scheduler->submit(prompt({1}, 1), std::make_shared<Recorder>()).status()));
}

TEST_F(SchedulerTest, TheEndOfADrainCancels) {
  start(200);
  auto slow = std::make_shared<Recorder>();
  slow->onPart = [] { std::this_thread::sleep_for(5ms); };
  ASSERT_TRUE(scheduler->submit(prompt({1, 2}, 60), slow).ok());
  scheduler->drain(Clock::now() + 20ms);
  EXPECT_TRUE(absl::IsCancelled(slow->status));
}

TEST_F(SchedulerTest, NamesWhatIsWrongWithARequest) {
  start(200);
  const auto refusal = [&](Request request) {
    return scheduler->submit(std::move(request), std::make_shared<Recorder>()).status();
  };
  EXPECT_TRUE(says(refusal(prompt({}, 1)), "prompt: expected at least 1 token, found none"));
  EXPECT_TRUE(
      says(refusal(prompt({2048}, 1)), "prompt: expected an integer in [0, 2047], found 2048"));
  EXPECT_TRUE(says(refusal(prompt(Ids(60, 1), 5)),
                   "expected at most 64 tokens (the context) with max_tokens, found 60 and 5"));
  EXPECT_TRUE(says(refusal({.prompt = {1}, .topLogProbs = 21}),
                   "logprobs: expected an integer in [0, 20], found 21"));
  EXPECT_TRUE(says(refusal({.prompt = {1}, .stopTexts = {""}}),
                   "stop: expected strings of 1 to 256 bytes, found 0"));
  EXPECT_TRUE(says(refusal({.prompt = {1}, .sampling = {.topP = 0}}), "top_p: expected"));
  EXPECT_TRUE(says(refusal({.prompt = {1}, .adjustments = {.frequency = 3}}),
                   "frequency_penalty: expected a number in [-2, 2], found 3"));
}

TEST_F(SchedulerTest, NoPageIsLostInAThousandRandomRequests) {
  start(/*pages=*/30, {.stepTokens = 12, .mostRunning = 6, .mostWaiting = 2000});
  std::mt19937 random(2);
  std::vector<std::shared_ptr<Recorder>> all;
  for (int i = 0; i < 1000; ++i) {
    auto recorder = std::make_shared<Recorder>();
    const auto id =
        scheduler->submit(prompt(Ids(1 + random() % 40, 20), 1 + random() % 20), recorder);
    ASSERT_TRUE(id.ok()) << id.status();
    if (random() % 3 == 0)
      scheduler->cancel(*id);
    all.push_back(recorder);
  }
  for (auto &recorder : all)
    recorder->wait();
  expectNothingHeld();
}

} // namespace
} // namespace strata::test
