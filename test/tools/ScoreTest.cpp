//===- ScoreTest.cpp - log-probabilities and perplexity -------------------===//

#include "tools/score/Score.h"
#include "test/runtime/engine/FakeEngine.h"
#include "tools/score/Perplexity.h"

#include <cmath>
#include <limits>

namespace strata::test {
namespace {

TEST(Score, RowsFitIntoMemory) {
  EXPECT_EQ(rowsAtOnce(2048), 512);
  EXPECT_EQ(rowsAtOnce(256000), 262);
  EXPECT_EQ(rowsAtOnce(1 << 20), 64);
}

TEST(Windows, ChunksScoreTheirSecondHalves) {
  EXPECT_EQ(chunkWindows(26, 8), (std::vector<Window>{{0, 5, 8}, {8, 13, 16}, {16, 21, 24}}));
  EXPECT_EQ(chunkWindows(7, 7), (std::vector<Window>{{0, 4, 7}}));
  EXPECT_TRUE(chunkWindows(6, 7).empty());
}

TEST(Windows, StridesScoreEveryTokenOnce) {
  EXPECT_EQ(stridedWindows(10, 6, 2), (std::vector<Window>{{0, 1, 6}, {2, 6, 8}, {4, 8, 10}}));
  EXPECT_EQ(stridedWindows(9, 6, 2), (std::vector<Window>{{0, 1, 6}, {2, 6, 8}, {4, 8, 9}}));
  EXPECT_EQ(stridedWindows(6, 6, 6), (std::vector<Window>{{0, 1, 6}}));
  // A window that begins where the last ended has a first token that nothing predicts.
  EXPECT_EQ(stridedWindows(12, 6, 6), (std::vector<Window>{{0, 1, 6}, {6, 7, 12}}));
}

TEST(Perplexity, IsExpOfTheMean) {
  Perplexity perplexity;
  for (double p : {0.5, 0.25, 0.125, 0.25})
    perplexity.add(std::log(p));
  EXPECT_EQ(perplexity.tokens, 4);
  EXPECT_NEAR(perplexity.value(), 4, 1e-12);
  // The deviation of 1, 2, 3 and 2 bits is sqrt(2/3) of a sample's, that of their mean half of it.
  EXPECT_NEAR(perplexity.error(), 4 * std::log(2) * std::sqrt(2.0 / 3) / 2, 1e-12);
  Perplexity one;
  one.add(-1);
  EXPECT_EQ(one.error(), 0);
}

// The fake model's logits are so far apart that log p is the distance to the last one.
double fakeScore(std::span<const int32_t> tokens, size_t index, int64_t tokensOfStep) {
  return double(fakeSum(tokens, int64_t(index) - 1, tokensOfStep)) * (tokens[index] - 2047);
}

TEST_P(FakeEngine, ScoresTokensGivenThoseBefore) {
  std::vector<int32_t> tokens = {3, 1, 4, 1, 5, 2047, 2, 6, 5, 2047, 9};
  for (size_t first : {size_t(1), size_t(4), tokens.size() - 1}) {
    auto scores = Scorer(*engine).score(tokens, first);
    ASSERT_TRUE(scores.ok()) << scores.status();
    ASSERT_EQ(scores->size(), tokens.size() - first);
    auto step = int64_t(tokens.size() - first); // tokens whose logits are computed
    for (size_t i = first; i < tokens.size(); ++i) {
      EXPECT_EQ((*scores)[i - first].logProbability, fakeScore(tokens, i, step)) << i;
      EXPECT_EQ((*scores)[i - first].greedy, tokens[i] == 2047);
    }
  }
  EXPECT_EQ(engine->cache().freePages(), engine->cache().pages()) << "the sequence is closed";
}

TEST_P(FakeEngine, ScoresOneTokenMoreThanTheContext) {
  std::vector<int32_t> tokens(33, 5);
  EXPECT_EQ(Scorer(*engine).score(tokens, 1)->size(), 32u);
  tokens.push_back(5);
  EXPECT_TRUE(says(Scorer(*engine).score(tokens, 1).status(), "expected at most 32 tokens"));
  EXPECT_EQ(engine->cache().freePages(), engine->cache().pages());
}

TEST_P(FakeEngine, SharedContextsAreComputedOnce) {
  int64_t fed = 0;
  engine->device().probe().observe([&](const ComputedValue &value) {
    fed += value.result.name()->str() == "embed" ? value.rows : 0;
    return absl::OkStatus();
  });
  Scorer scorer(*engine);
  // The first 4 tokens, then the last one of the context with the continuation but its end.
  for (auto [last, expected] : {std::pair{6, 4 + 3}, {7, 3}, {8, 3}}) {
    std::vector<int32_t> tokens = {3, 1, 4, 1, 5, last, 2, last};
    fed = 0;
    auto scores = scorer.score(tokens, 5);
    ASSERT_TRUE(scores.ok()) << scores.status();
    EXPECT_EQ(fed, expected);
    for (size_t i = 5; i < tokens.size(); ++i)
      EXPECT_EQ((*scores)[i - 5].logProbability, fakeScore(tokens, i, 3)) << i;
  }
  std::vector<int32_t> other = {3, 1, 4, 2, 5, 6, 2, 6};
  fed = 0;
  EXPECT_EQ(scorer.score(other, 5)->front().logProbability, fakeScore(other, 5, 3));
  EXPECT_EQ(fed, 7);
}

TEST_P(FakeEngine, WindowsBeginWithTheTokenGiven) {
  std::vector<int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6};
  std::vector<Window> windows = chunkWindows(tokens.size(), 4);
  std::vector<size_t> told;
  auto result =
      measurePerplexity(*engine, tokens, windows, {7, {}}, [&](const WindowScores &scores) {
        told.push_back(scores.done);
        EXPECT_EQ(scores.scores.size(), 1u);
        return absl::OkStatus();
      });
  ASSERT_TRUE(result.ok()) << result.status();
  double expected = fakeScore(std::vector<int32_t>{7, 1, 4, 1}, 3, 1) +
                    fakeScore(std::vector<int32_t>{7, 9, 2, 6}, 3, 1);
  EXPECT_EQ(result->sum, -expected);
  EXPECT_EQ(result->tokens, 2);
  EXPECT_EQ(told, (std::vector<size_t>{1, 2}));
}

/// The logits of all windows, one behind the other.
std::vector<float> logitsOf(Engine &engine, std::span<const int32_t> tokens,
                            std::span<const Window> windows) {
  std::vector<float> logits;
  auto sink = [&](std::span<const float> rows) {
    logits.insert(logits.end(), rows.begin(), rows.end());
    return absl::OkStatus();
  };
  auto result = measurePerplexity(engine, tokens, windows, {std::nullopt, sink},
                                  [](const WindowScores &) { return absl::OkStatus(); });
  EXPECT_TRUE(result.ok()) << result.status();
  return logits;
}

// The fake model's first logit tells what was fed.
TEST_P(FakeEngine, LogitsAreThoseOfTheWindows) {
  std::vector<int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6, 5};
  const auto vocabulary = size_t(engine->model().vocabulary());
  for (const auto &windows : {chunkWindows(9, 4), stridedWindows(9, 4, 2), stridedWindows(9, 4, 4),
                              stridedWindows(9, 9, 1)}) {
    std::vector<float> logits = logitsOf(*engine, tokens, windows);
    ASSERT_EQ(logits.size(), windows.back().end * vocabulary);
    const auto ranges = logitRanges(windows);
    for (size_t i = 0; i < windows.size(); ++i)
      for (size_t row = ranges[i].first; row < ranges[i].second; ++row) {
        auto text = std::span(tokens).subspan(windows[i].begin);
        EXPECT_EQ(logits[row * vocabulary], fakeSum(text, int64_t(row - windows[i].begin),
                                                    int64_t(ranges[i].second - ranges[i].first)))
            << "window " << i << ", row " << row;
      }
  }
}

TEST(Windows, LogitsOfEveryTokenOnce) {
  using Ranges = std::vector<std::pair<size_t, size_t>>;
  EXPECT_EQ(logitRanges(chunkWindows(26, 8)), (Ranges{{0, 8}, {8, 16}, {16, 24}}));
  // What the next window is scored by is the next window's: it has more context.
  EXPECT_EQ(logitRanges(stridedWindows(10, 6, 2)), (Ranges{{0, 5}, {5, 7}, {7, 10}}));
  EXPECT_EQ(logitRanges(stridedWindows(12, 6, 6)), (Ranges{{0, 6}, {6, 12}}));
}

TEST_P(FakeEngine, AnErrorOfWhoIsToldEndsIt) {
  std::vector<int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6};
  std::vector<Window> windows = chunkWindows(tokens.size(), 4);
  int told = 0;
  auto result = measurePerplexity(*engine, tokens, windows, {}, [&](const WindowScores &) {
    ++told;
    return absl::DataLossError("full");
  });
  EXPECT_TRUE(says(result.status(), "full"));
  EXPECT_EQ(told, 1);
}

INSTANTIATE_TEST_SUITE_P(, FakeEngine, testing::Values(FakeParameter{"cpu", 2}), &nameOf);

} // namespace
} // namespace strata::test
