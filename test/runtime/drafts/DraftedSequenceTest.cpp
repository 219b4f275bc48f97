//===- DraftedSequenceTest.cpp - one sequence, by several tokens a step ---===//

#include "runtime/drafts/DraftedSequence.h"

#include "runtime/drafts/ModelDrafter.h"
#include "test/runtime/drafts/ScriptedDrafter.h"

namespace strata::test {
namespace {

using Ids = std::vector<int32_t>;

class DraftedSequenceTest : public testing::Test {
protected:
  std::unique_ptr<Engine> makeEngine(uint32_t pages) const {
    // Steps take much longer than rows, or guesses would not be worth their time.
    return model
        .opener(pages,
                [] {
                  std::this_thread::sleep_for(std::chrono::milliseconds(2));
                  return absl::OkStatus();
                })()
        .value();
  }

  /// `count` tokens behind a prompt, drawn by this sampler.
  Ids write(Drafter *drafter, const Ids &prompt, int64_t count,
            const Sampler &sampler = Sampler({})) {
    const Sequence sequence = engine->open();
    DraftedSequence drafted(*engine, sequence, drafter);
    Ids text = prompt;
    const auto left = [&] { return int64_t(prompt.size()) + count - int64_t(text.size()); };
    while (left() > 0) {
      const auto step = drafted.step(text, left() - 1, sampler);
      EXPECT_TRUE(step.ok()) << step.status();
      ++steps;
      const Ids drafts(drafted.drafts().begin(), drafted.drafts().end());
      size_t accepted = 0;
      for (;; ++accepted) {
        text.push_back(step->token(int64_t(accepted)).value());
        if (accepted == drafts.size() || drafts[accepted] != text.back())
          break;
      }
      EXPECT_TRUE(drafted.settle(int64_t(accepted)).ok());
      EXPECT_EQ(*engine->length(sequence), int64_t(text.size()) - 1)
          << "what was accepted, no more";
      EXPECT_EQ(int64_t(engine->cache().pages() - engine->cache().freePages()),
                (int64_t(text.size()) - 1 + 3) / 4);
    }
    counts.tokens += drafted.counts().tokens;
    counts.accepted += drafted.counts().accepted;
    EXPECT_TRUE(engine->close(sequence).ok());
    return {text.begin() + ptrdiff_t(prompt.size()), text.end()};
  }

  HashEngine model;
  std::unique_ptr<Engine> engine = makeEngine(20);
  DraftCounts counts;
  int steps = 0;
};

/// The hash's text without an end.
Ids expected(Ids tokens, size_t count) {
  Ids text;
  while (text.size() < count) {
    text.push_back(findLikeliest(HashDevice::rowAfter(tokens, kVocabulary)));
    tokens.push_back(text.back());
  }
  return text;
}

TEST_F(DraftedSequenceTest, TextsAreTheSameWhateverIsGuessed) {
  for (const size_t right : {0, 2, 3, 7, 100}) {
    ScriptedDrafter drafter(wrongAfter(right));
    counts = {};
    for (int32_t first = 0; first < 4; ++first)
      EXPECT_EQ(write(&drafter, {first, 2, 3}, 40), expected({first, 2, 3}, 40)) << right;
    EXPECT_GT(counts.tokens, 0u);
    EXPECT_EQ(counts.accepted == 0, right == 0);
    EXPECT_EQ(engine->cache().freePages(), engine->cache().pages());
  }
}

TEST_F(DraftedSequenceTest, GoodGuessesSaveSteps) {
  ScriptedDrafter drafter(wrongAfter(1000));
  write(&drafter, {1, 2, 3}, 60);
  EXPECT_EQ(counts.accepted, counts.tokens);
  EXPECT_EQ(steps + int(counts.accepted), 60);
  EXPECT_LT(steps, 20);
}

TEST_F(DraftedSequenceTest, GuessesEndWithTheContext) {
  ScriptedDrafter drafter(wrongAfter(1000));
  EXPECT_EQ(write(&drafter, Ids(50, 7), kContext - 50), expected(Ids(50, 7), kContext - 50));
}

TEST_F(DraftedSequenceTest, LogitsBehindARejectedDraftMayBeNoNumbers) {
  ScriptedDrafter drafter([](auto) { return HashDevice::kBroken; });
  EXPECT_EQ(write(&drafter, {1, 2, 3}, 20), expected({1, 2, 3}, 20));
}

/// As a grammar has it: tokens of even and of odd numbers take turns.
TEST_F(DraftedSequenceTest, GuessesThatMayNotFollowGetNoRow) {
  const Ids prompt{1, 2, 3};
  std::vector<uint64_t> parity[] = {std::vector<uint64_t>(kVocabulary / 64, 0x5555555555555555),
                                    std::vector<uint64_t>(kVocabulary / 64, 0xaaaaaaaaaaaaaaaa)};
  const auto allowed = [&](std::span<const int32_t> drafts) -> absl::StatusOr<AllowedTokens> {
    for (size_t i = 0; i < drafts.size(); ++i)
      if (drafts[i] % 2 != int32_t(i % 2))
        return absl::InvalidArgumentError("it may not follow");
    return parity[drafts.size() % 2];
  };
  ScriptedDrafter drafter([](auto) { return 4; }); // 4, and 4 again, which is not odd
  const Sequence sequence = engine->open();
  DraftedSequence drafted(*engine, sequence, &drafter);
  const Sampler greedy({});
  ASSERT_TRUE(drafted.step(prompt, 3, greedy, allowed).ok());
  ASSERT_TRUE(drafted.settle(0).ok());
  Ids text = prompt;
  text.push_back(6);
  const auto step = drafted.step(text, 3, greedy, allowed);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(Ids(drafted.drafts().begin(), drafted.drafts().end()), Ids{4});
  EXPECT_EQ(step->rows, 2);
  EXPECT_EQ(step->token(0).value() % 2, 0);
  EXPECT_EQ(step->token(1).value() % 2, 1);
  ASSERT_TRUE(drafted.settle(0).ok());
  EXPECT_EQ(*engine->length(sequence), 4);
}

TEST_F(DraftedSequenceTest, SampledTextsAreTheSameBySeed) {
  ScriptedDrafter good(wrongAfter(2));
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Sampler sampler({.temperature = 0.7f, .topK = 3, .seed = seed});
    EXPECT_EQ(write(&good, {3, 2, 1}, 30, sampler), write(nullptr, {3, 2, 1}, 30, sampler));
  }
}

TEST_F(DraftedSequenceTest, AModelThatIsTheSameGuessesAllOfIt) {
  ModelDrafter drafter(makeEngine(20));
  EXPECT_EQ(write(&drafter, {1, 2, 3}, 50), expected({1, 2, 3}, 50));
  EXPECT_EQ(counts.accepted, counts.tokens);
  const Sampler sampler({.temperature = 1, .seed = 3});
  EXPECT_EQ(write(&drafter, {1, 2, 3}, 50, sampler), write(nullptr, {1, 2, 3}, 50, sampler));
  EXPECT_EQ(drafter.model().cache().freePages(), 20u);
}

TEST_F(DraftedSequenceTest, AModelForgetsWhatWasRejected) {
  // Its tokens are those of the text however its guesses ended, or later ones would fail.
  ModelDrafter drafter(makeEngine(20));
  const Ids prompt{6, 5, 4};
  Ids text = prompt;
  const int32_t number = drafter.open();
  for (int32_t i = 0; i < 30; ++i) {
    DraftRequest request{number, text, 1 + i % 5};
    ASSERT_TRUE(drafter.draft({&request, 1}).ok());
    EXPECT_EQ(request.drafts, expected(text, size_t(request.most)));
    text.push_back(i % 3 == 0 ? request.drafts[0] : i); // accepted, or another
  }
  drafter.close(number);
  EXPECT_EQ(drafter.model().cache().freePages(), 20u);
}

TEST_F(DraftedSequenceTest, AModelWithoutRoomGuessesNothing) {
  ModelDrafter drafter(makeEngine(2)); // 8 tokens
  engine = makeEngine(20);
  EXPECT_EQ(write(&drafter, {1, 2, 3}, 40), expected({1, 2, 3}, 40));
  EXPECT_GT(counts.tokens, 0u);
  EXPECT_LT(counts.tokens, 10u);
  const Ids first{1, 2}, second{3, 4, 5, 6, 7};
  DraftRequest requests[] = {{drafter.open(), first, 2}, {drafter.open(), second, 2}};
  ASSERT_TRUE(drafter.draft(requests).ok());
  EXPECT_EQ(requests[0].drafts, expected(first, 2)) << "those that came first keep their room";
  EXPECT_EQ(requests[1].drafts, Ids());
}

} // namespace
} // namespace strata::test
