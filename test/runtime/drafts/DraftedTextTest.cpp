//===- DraftedTextTest.cpp - requests whose texts are guessed -------------===//
//
// Whatever is guessed, a request gets what it gets without guesses: its tokens, their
// probabilities, its end.
//
//===----------------------------------------------------------------------===//

#include "runtime/drafts/ModelDrafter.h"
#include "runtime/drafts/NgramDrafter.h"
#include "runtime/grammar/Grammars.h"
#include "runtime/serving/Scheduler.h"
#include "test/runtime/drafts/ScriptedDrafter.h"
#include "test/runtime/serving/Recorder.h"

#include <cmath>
#include <optional>

namespace strata::test {
namespace {

using namespace serving;
using namespace std::chrono_literals;
using Ids = std::vector<int32_t>;

//===----------------------------------------------------------------------===//
// The distribution of what is sampled
//===----------------------------------------------------------------------===//

constexpr int32_t kLetters = 8;

/// What a small model finds of the next token: it depends on the last one.
std::vector<float> logitsAfter(int32_t token) {
  std::vector<float> logits;
  for (int32_t next = 0; next < kLetters; ++next)
    logits.push_back(float(philoxUniform(uint64_t(token), uint64_t(next)) * 3));
  return logits;
}

/// Guesses as many as are wanted.
using Guess = std::function<Ids(std::span<const int32_t> tokens, int64_t most)>;

Ids sampled(Request request, const Guess &guess) {
  auto recorder = std::make_shared<Recorder>();
  const int64_t wanted = request.mostTokens;
  ServedText text(1, std::move(request), recorder, tokenizer(), {});
  while (!text.finished()) {
    if (text.mostDrafts() > 0)
      text.setDrafts(guess(text.allTokens(), std::min<int64_t>(text.mostDrafts(), 4)));
    const auto count = int64_t(text.pending().size());
    const std::span<const int32_t> step = text.stepTokens(count);
    const int64_t rows = text.rowCount(count);
    const Ids behind(step.end() - rows, step.end());
    text.beginStep(count);
    for (int64_t row = rows; row-- > 0;) { // in any order
      const std::vector<float> logits = logitsAfter(behind[size_t(row)]);
      const int32_t token = drawToken(logits, text.outputOf(row).draw.value_or(Draw()));
      EXPECT_TRUE(text.useRow(row, logits, token).ok());
    }
    EXPECT_TRUE(text.endStep().ok());
  }
  EXPECT_EQ(int64_t(recorder->tokens.size()), wanted);
  return recorder->tokens;
}

Ids never(std::span<const int32_t>, int64_t) { return {}; }

Ids byNgrams(std::span<const int32_t> tokens, int64_t most) {
  NgramDrafter drafter;
  const auto end = tokens.last(std::min<size_t>(tokens.size(), 40));
  DraftRequest request{drafter.open(), end, most};
  EXPECT_TRUE(drafter.draft({&request, 1}).ok());
  return request.drafts;
}

Ids byLikeliest(std::span<const int32_t> tokens, int64_t most) {
  Ids drafts;
  for (int32_t last = tokens.back(); int64_t(drafts.size()) < most; drafts.push_back(last))
    last = findLikeliest(logitsAfter(last));
  return drafts;
}

Ids byChance(std::span<const int32_t> tokens, int64_t most) {
  Ids drafts;
  while (int64_t(drafts.size()) < most)
    drafts.push_back(int32_t(philoxUniform(tokens.size(), drafts.size()) * kLetters));
  return drafts;
}

Request letters(int64_t count, const SamplingParams &sampling) {
  return {.prompt = {0}, .mostTokens = count, .sampling = sampling, .ignoreEnd = true};
}

/// Pearson's sum over what followed each letter, against the softmax; it has 8 x 7 degrees of
/// freedom.
double chiSquare(const Ids &text, double temperature) {
  std::array<std::array<double, kLetters>, kLetters> found{};
  int32_t last = 0;
  for (int32_t token : text)
    ++found[size_t(std::exchange(last, token))][size_t(token)];
  double sum = 0;
  for (int32_t letter = 0; letter < kLetters; ++letter) {
    double weights = 0, count = 0;
    for (float logit : logitsAfter(letter))
      weights += std::exp(double(logit) / temperature);
    for (double times : found[size_t(letter)])
      count += times;
    for (int32_t next = 0; next < kLetters; ++next) {
      const double logit = logitsAfter(letter)[size_t(next)];
      const double expected = count * std::exp(logit / temperature) / weights;
      const double difference = found[size_t(letter)][size_t(next)] - expected;
      sum += difference * difference / expected;
    }
  }
  return sum;
}

TEST(DraftedText, IsDistributedAsTheModelSays) {
  const double kLimit = 94.46; // of 56 degrees of freedom, 1 in 1000 lies above
  uint64_t seed = 11;
  for (const Guess &guess : {Guess(byNgrams), Guess(byLikeliest), Guess(byChance)}) {
    const SamplingParams sampling{.temperature = 0.8f, .seed = seed++};
    const double found = chiSquare(sampled(letters(100'000, sampling), guess), 0.8);
    RecordProperty("chi_square_" + std::to_string(seed), std::to_string(found));
    EXPECT_LT(found, kLimit);
    EXPECT_GT(found, 28.8) << "too good to be chance: 1 in 1000 lies below";
  }
}

TEST(DraftedText, ATestOfTheDistributionCanFail) {
  const SamplingParams sampling{.temperature = 0.8f, .seed = 11};
  EXPECT_GT(chiSquare(sampled(letters(100'000, sampling), byNgrams), 0.85), 200);
}

TEST(DraftedText, IsTheSameBySeedWithAllThatChangesLogits) {
  Request request = letters(2000, {.temperature = 1, .topK = 6, .topP = 0.9f, .minP = 0.01f});
  request.adjustments = {
      .repetition = 1.1f, .frequency = 0.001f, .presence = 0.5f, .bias = {{3, 1.0f}, {4, -1.0f}}};
  for (uint64_t seed = 0; seed < 5; ++seed) {
    request.sampling.seed = seed;
    const Ids alone = sampled(request, never);
    for (const Guess &guess : {Guess(byNgrams), Guess(byLikeliest), Guess(byChance)})
      EXPECT_EQ(sampled(request, guess), alone);
  }
  request.sampling = {};
  EXPECT_EQ(sampled(request, byLikeliest), sampled(request, never)) << "greedy, with penalties";
}

//===----------------------------------------------------------------------===//
// In a scheduler
//===----------------------------------------------------------------------===//

class DraftedScheduler : public testing::Test {
protected:
  /// Steps take much longer than rows, or guesses would not be worth their time.
  static absl::Status slow() {
    std::this_thread::sleep_for(2ms);
    return absl::OkStatus();
  }
  using Open = std::function<absl::StatusOr<std::unique_ptr<Drafter>>()>;

  void start(uint32_t pages, Open open, int64_t mostRunning = 8, HashDevice::Fault fault = slow) {
    SchedulerOptions options{.stepTokens = 64, .mostRunning = mostRunning};
    options.openDrafter = std::move(open);
    scheduler =
        Scheduler::start(model.opener(pages, std::move(fault)), tokenizer(), options).value();
  }
  static Open scripted(size_t right) {
    return [right] { return std::make_unique<ScriptedDrafter>(wrongAfter(right)); };
  }
  Open sameModel(uint32_t pages) const {
    return [this, pages]() -> absl::StatusOr<std::unique_ptr<Drafter>> {
      return std::make_unique<ModelDrafter>(
          model.opener(pages, [] { return absl::OkStatus(); })().value());
    };
  }

  std::shared_ptr<Recorder> submit(Request request) {
    auto recorder = std::make_shared<Recorder>();
    EXPECT_TRUE(scheduler->submit(std::move(request), recorder).ok());
    return recorder;
  }
  std::shared_ptr<Recorder> run(Request request) {
    auto recorder = submit(std::move(request));
    recorder->wait();
    return recorder;
  }
  /// Once all is done.
  Metrics metrics() {
    scheduler->drain(Clock::now() + 10s);
    return scheduler->metrics();
  }
  void expectNothingHeld() { EXPECT_EQ(metrics().freePages, metrics().pages); }

  HashEngine model;
  std::unique_ptr<Scheduler> scheduler;
};

TEST_F(DraftedScheduler, EachTextIsWhatItIsAlone) {
  for (const Open &open : {scripted(0), scripted(2), scripted(1000), sameModel(200)}) {
    start(/*pages=*/200, open);
    std::vector<std::pair<Ids, std::shared_ptr<Recorder>>> all;
    for (const Request &request : mixedPrompts(kVocabulary))
      all.emplace_back(request.prompt, submit(request));
    for (auto &[tokens, recorder] : all) {
      recorder->wait();
      EXPECT_EQ(recorder->tokens, expectedAfter(tokens, recorder->usage.generatedTokens));
      EXPECT_EQ(recorder->parts, int(recorder->tokens.size()));
    }
    EXPECT_GT(metrics().drafts.tokens, 0u);
    expectNothingHeld();
  }
}

TEST_F(DraftedScheduler, AGrammarIsFollowedThroughDrafts) {
  grammar::Grammars grammars(tokenizer());
  Request request = prompt({3, 1, 4}, 60);
  request.grammar =
      grammars.compile({grammar::GrammarSource::Kind::regex, "([a-z]{2,9} ){6,12}[0-9]+"}).value();
  for (const float temperature : {0.0f, 1.0f}) {
    request.sampling = {.temperature = temperature, .seed = 5};
    start(/*pages=*/200, {});
    const Ids alone = run(request)->tokens;
    EXPECT_EQ(metrics().drafts.tokens, 0u);
    // Guesses are right for a while, then a token that may not follow, or an end.
    const auto script = [&](std::span<const int32_t> tokens) {
      const size_t next = tokens.size() - request.prompt.size();
      return next < alone.size() && next % 5 != 4 ? alone[next] : int32_t(next % 7);
    };
    start(/*pages=*/200, [&] { return std::make_unique<ScriptedDrafter>(script); });
    EXPECT_EQ(run(request)->tokens, alone);
    EXPECT_GT(metrics().drafts.accepted, 10u);
    EXPECT_LT(metrics().drafts.accepted, metrics().drafts.tokens);
    expectNothingHeld();
  }
}

TEST_F(DraftedScheduler, TextsAreTheSameWhenPagesRunOut) {
  for (const Open &open : {scripted(2), scripted(1000), sameModel(20)}) {
    start(/*pages=*/20, open); // 80 tokens; four texts of up to 48 want 192
    std::vector<std::pair<Ids, std::shared_ptr<Recorder>>> all;
    for (int32_t i = 0; i < 4; ++i)
      all.emplace_back(Ids(16, 100 + i), submit(prompt(Ids(16, 100 + i), 32)));
    for (auto &[tokens, recorder] : all) {
      recorder->wait();
      ASSERT_TRUE(recorder->reason) << recorder->status;
      EXPECT_EQ(recorder->tokens, expectedAfter(tokens, 32));
    }
    EXPECT_GT(metrics().preemptions, 0u);
    expectNothingHeld();
  }
}

TEST_F(DraftedScheduler, PagesThatAreSharedHoldWhatWasAccepted) {
  start(200, scripted(2));
  for (int round = 0; round < 2; ++round) // found again by what the first round left
    for (int32_t i = 0; i < 5; ++i) {
      Ids tokens{i, 1, 2, 3, 4};
      const Ids text = expectedAfter(tokens, 30);
      tokens.insert(tokens.end(), text.begin(), text.end() - 3);
      EXPECT_EQ(run(prompt(tokens, 20))->tokens, expectedAfter(tokens, 20));
      EXPECT_EQ(run(prompt({i, 1, 2, 3, 4}, 30))->tokens, text);
    }
  EXPECT_GT(metrics().cachedTokens, 100u);
  expectNothingHeld();
}

TEST_F(DraftedScheduler, EndsAreThoseOfTheTextWithoutGuesses) {
  start(200, scripted(1000));
  const Ids whole = expectedAfter({5, 6}, 20);
  for (size_t i = 0; i < whole.size(); ++i) { // in the middle of what was accepted, too
    Request request = prompt({5, 6}, 20);
    request.stopTokens = {whole[i]};
    auto stopped = run(request);
    const auto first = std::find(whole.begin(), whole.end(), whole[i]);
    EXPECT_EQ(stopped->tokens, Ids(whole.begin(), first + 1));
    EXPECT_EQ(stopped->usage.generatedTokens, first + 1 - whole.begin());
    EXPECT_EQ(stopped->reason, FinishReason::stop);
    request.leastTokens = 18;
    EXPECT_GE(run(request)->tokens.size(), 18u);
  }
  const std::string text = run(prompt({5, 6}, 20))->text;
  for (size_t begin = 1; begin + 3 <= text.size(); ++begin) {
    Request request = prompt({5, 6}, 20);
    request.stopTexts = {text.substr(begin, 3)};
    EXPECT_EQ(run(request)->text, text.substr(0, text.find(request.stopTexts[0])));
  }
  expectNothingHeld();
}

TEST_F(DraftedScheduler, LogProbabilitiesAreThoseWithoutGuesses) {
  // The first guesses, of which no cost is known, come behind five tokens, and three are right.
  Request request = prompt({9, 8, 7, 6}, 20);
  request.topLogProbs = 2;
  request.promptLogProbs = true;
  request.ignoreEnd = true;
  start(200, {});
  auto alone = run(request);
  start(200, scripted(3));
  auto guessed = run(request);
  EXPECT_EQ(guessed->tokens, alone->tokens);
  ASSERT_EQ(guessed->scores.size(), alone->scores.size());
  ASSERT_EQ(guessed->prompt.size(), alone->prompt.size());
  for (size_t i = 0; i < alone->scores.size(); ++i) {
    EXPECT_EQ(guessed->scores[i].token.token, alone->scores[i].token.token);
    EXPECT_EQ(guessed->scores[i].token.logProb, alone->scores[i].token.logProb);
    EXPECT_EQ(guessed->scores[i].top.size(), 2u);
  }
  EXPECT_GT(metrics().drafts.accepted, 0u);
}

TEST_F(DraftedScheduler, SampledTextsAreTheSameBySeed) {
  const auto texts = [&](Open open) {
    start(200, std::move(open));
    std::vector<Ids> all;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      Request request = prompt({1, 2, 3}, 30);
      request.sampling = {.temperature = 0.6f, .topP = 0.9f, .seed = seed};
      all.push_back(run(request)->tokens);
    }
    return all;
  };
  const auto alone = texts({});
  EXPECT_EQ(texts(scripted(2)), alone);
  EXPECT_EQ(texts(sameModel(200)), alone);
  EXPECT_EQ(metrics().drafts.accepted, metrics().drafts.tokens)
      << "the same model and the same random numbers choose the same tokens";
}

TEST_F(DraftedScheduler, LogitsBehindARejectedDraftMayBeNoNumbers) {
  start(200,
        [] { return std::make_unique<ScriptedDrafter>([](auto) { return HashDevice::kBroken; }); });
  auto first = submit(prompt({1, 2, 3}, 20)), second = submit(prompt({4, 5, 6}, 20));
  first->wait();
  second->wait();
  EXPECT_EQ(first->tokens, expectedAfter({1, 2, 3}, 20));
  EXPECT_EQ(second->tokens, expectedAfter({4, 5, 6}, 20));
}

TEST_F(DraftedScheduler, CancelsWhileGuessesAreJudged) {
  start(200, scripted(1000));
  std::atomic<RequestId> id = 0;
  auto recorder = std::make_shared<Recorder>();
  recorder->onPart = [&] {
    if (recorder->parts == 5)
      scheduler->cancel(id);
  };
  Request request = prompt({1, 2, 3}, 50);
  request.ignoreEnd = true;
  id = *scheduler->submit(request, recorder);
  recorder->wait();
  if (!recorder->reason) { // it may have ended within the step
    EXPECT_TRUE(absl::IsCancelled(recorder->status));
  }
  expectNothingHeld();
}

TEST_F(DraftedScheduler, AFailedStepFailsItsRequestsAndNoOthers) {
  std::atomic<int> steps = 0;
  start(200, scripted(1000), 8,
        [&] { return ++steps == 2 ? absl::InternalError("broken") : slow(); });
  EXPECT_EQ(run(prompt({1, 2, 3}, 20))->status.message(), "broken");
  EXPECT_EQ(run(prompt({1, 2, 3}, 20))->tokens, expectedAfter({1, 2, 3}, 20));
  expectNothingHeld();
}

TEST_F(DraftedScheduler, CountsWhatWasGuessedAndAccepted) {
  start(200, scripted(1000));
  Request request = prompt({1, 2, 3}, 40);
  request.ignoreEnd = true;
  run(request);
  const Metrics counts = metrics();
  EXPECT_EQ(counts.generatedTokens, 40u);
  EXPECT_EQ(counts.drafts.accepted, counts.drafts.tokens);
  EXPECT_EQ(counts.drafts.acceptedAt[0], counts.drafts.drafts);
  EXPECT_EQ(counts.steps + counts.drafts.accepted, 40u);
  EXPECT_EQ(counts.interTokenLatency.count(), 39u) << "each token has a time";
}

TEST_F(DraftedScheduler, ARequestMayGoWithout) {
  start(200, scripted(1000));
  Request request = prompt({1, 2, 3}, 20);
  request.mostDrafts = 0;
  EXPECT_EQ(run(request)->tokens, expectedAfter({1, 2, 3}, 20));
  EXPECT_EQ(metrics().drafts.tokens, 0u);
}

TEST_F(DraftedScheduler, NobodyIsGuessedWhileOthersWait) {
  start(200, scripted(1000), /*mostRunning=*/1);
  auto first = std::make_shared<Recorder>(), second = std::make_shared<Recorder>();
  first->onPart = [&] {
    if (first->parts == 1) { // from now on another waits
      EXPECT_TRUE(scheduler->submit(prompt({4, 5, 6}, 1), second).ok());
    }
  };
  Request request = prompt({1, 2, 3}, 30);
  request.ignoreEnd = true;
  ASSERT_TRUE(scheduler->submit(request, first).ok());
  first->wait();
  second->wait();
  EXPECT_EQ(metrics().drafts.tokens, 0u);
}

TEST_F(DraftedScheduler, ADrafterThatCannotBeOpenedIsAnError) {
  SchedulerOptions options;
  options.openDrafter = [] { return absl::NotFoundError("no drafter"); };
  const auto started =
      Scheduler::start(model.opener(8, [] { return absl::OkStatus(); }), tokenizer(), options);
  EXPECT_EQ(started.status().message(), "no drafter");
}

} // namespace
} // namespace strata::test
