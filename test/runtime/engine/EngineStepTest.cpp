//===- EngineStepTest.cpp - steps of the fake model, on any device --------===//
//
// Who links this instantiates FakeEngine with devices.
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Likeliest.h"
#include "test/runtime/engine/FakeEngine.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace strata::test {
namespace {

const std::vector<int32_t> kTokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8};

TEST_P(FakeEngine, WholePromptAtOnce) {
  auto result = step(engine->open(), kTokens, LogitRows::all);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->rows, int64_t(kTokens.size()));
  for (int64_t i = 0; i < result->rows; ++i)
    EXPECT_EQ(sumOf(*result, i), fakeSum(kTokens, i, result->rows));
}

TEST_P(FakeEngine, AnyCutOfThePrompt) {
  for (int64_t chunk : {1, 2, 3, 5, 7, 19, 100}) {
    Sequence sequence = engine->open();
    std::vector<int64_t> told;
    auto result = prefill(*engine, sequence, kTokens, chunk, [&](int64_t done) {
      told.push_back(done);
      return true;
    });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->rows, 1);
    int64_t size = int64_t(kTokens.size()), lastChunk = size - (size - 1) / chunk * chunk;
    EXPECT_EQ(sumOf(*result, 0), fakeSum(kTokens, size - 1, lastChunk)) << "chunk " << chunk;
    EXPECT_EQ(int64_t(told.size()), (size + chunk - 1) / chunk);
    EXPECT_EQ(*engine->length(sequence), size);
    EXPECT_TRUE(engine->close(sequence).ok());
  }
}

TEST_P(FakeEngine, LikeliestTokensAreThoseOfTheLogits) {
  Sequence sequence = engine->open();
  auto logits = step(sequence, kTokens, LogitRows::all);
  ASSERT_TRUE(logits.ok()) << logits.status();
  std::vector<int32_t> expected;
  for (int64_t row = 0; row < logits->rows; ++row)
    expected.push_back(findLikeliest(logits->row(row)));
  EXPECT_TRUE(engine->rewind(sequence, 0).ok());
  BatchEntry entry{sequence, kTokens, LogitRows::all};
  const std::vector<RowOutput> outputs(expected.size(), {.draw = Draw()});
  auto drawn = engine->step({&entry, 1}, outputs);
  ASSERT_TRUE(drawn.ok()) << drawn.status();
  EXPECT_EQ(std::vector<int32_t>(drawn->tokens.begin(), drawn->tokens.end()), expected);
}

/// The values of a step, by name, as text.
std::string printable(const ComputedValue &value) {
  std::vector<float> floats(value.bytes.size() / sizeof(float));
  memcpy(floats.data(), value.bytes.data(), value.bytes.size());
  std::string line = absl::StrCat(value.result.name()->str(), " of ", value.dispatch.name()->str(),
                                  " ", value.rows, ":");
  for (size_t i = 0; i < std::min<size_t>(floats.size(), 4); ++i)
    absl::StrAppend(&line, " ", floats[i]);
  return line;
}

TEST_P(FakeEngine, ShowsWhatDispatchesCompute) {
  std::vector<std::string> seen;
  engine->device().probe().observe([&](const ComputedValue &value) {
    seen.push_back(printable(value));
    return absl::OkStatus();
  });
  Sequence sequence = engine->open();
  std::vector<int32_t> tokens = {3, 1, 4}; // embedded as 4, 2 and 5; layer 1 adds 1
  EXPECT_EQ(sumOf(*step(sequence, tokens), 0), 5 + 3 * 2 + 6 * 3 + 1000);
  std::vector<std::string> expected = {"embed of embed 3: 4 2 5",
                                       "attend.sum of attend 3: 1005 1011 1029",
                                       "output of output 1: 1029 2058 3087 4116"};
  EXPECT_EQ(seen, expected);
  seen.clear();
  engine->device().probe().observe(nullptr);
  EXPECT_TRUE(step(sequence, tokens).ok());
  EXPECT_TRUE(seen.empty());
}

TEST_P(FakeEngine, ObserversErrorEndsTheStep) {
  engine->device().probe().observe([&](const ComputedValue &value) {
    return absl::ResourceExhaustedError(value.result.name()->str() + ": the disk is full");
  });
  Sequence sequence = engine->open();
  EXPECT_TRUE(says(step(sequence, kTokens).status(), "embed: the disk is full"));
  EXPECT_EQ(*engine->length(sequence), 0);
  engine->device().probe().observe(nullptr);
  EXPECT_TRUE(step(sequence, kTokens).ok());
}

TEST_P(FakeEngine, PrefillCanBeStopped) {
  Sequence sequence = engine->open();
  auto result = prefill(*engine, sequence, kTokens, 4, [](int64_t done) { return done < 8; });
  EXPECT_TRUE(absl::IsCancelled(result.status()));
  EXPECT_EQ(*engine->length(sequence), 8);
}

TEST_P(FakeEngine, RaggedBatchIsLikeEachAlone) {
  Sequence a = engine->open(), b = engine->open();
  std::vector<int32_t> other(kTokens.rbegin(), kTokens.rend());
  std::span<const int32_t> left = kTokens, right = other;
  // Both grow at different speed, with their pages taken in turns.
  int64_t doneA = 0, doneB = 0;
  for (auto [sizeA, sizeB] : {std::pair{1, 5}, {7, 1}, {3, 3}, {1, 1}, {4, 6}}) {
    BatchEntry batch[] = {{a, left.subspan(size_t(doneA), size_t(sizeA))},
                          {b, right.subspan(size_t(doneB), size_t(sizeB)), LogitRows::all}};
    auto result = engine->step(batch);
    ASSERT_TRUE(result.ok()) << result.status();
    doneA += sizeA;
    ASSERT_EQ(result->rows, 1 + sizeB);
    EXPECT_EQ(sumOf(*result, 0), fakeSum(left, doneA - 1, sizeA + sizeB));
    for (int64_t i = 0; i < sizeB; ++i)
      EXPECT_EQ(sumOf(*result, 1 + i), fakeSum(right, doneB + i, sizeA + sizeB));
    doneB += sizeB;
  }
}

TEST_P(FakeEngine, NoRowsIsLegal) {
  Sequence sequence = engine->open();
  auto result = step(sequence, kTokens, LogitRows::none);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->rows, 0);
  EXPECT_TRUE(result->logits.empty());
  auto next = step(sequence, std::vector<int32_t>{0});
  std::vector<int32_t> all = kTokens;
  all.push_back(0);
  EXPECT_EQ(sumOf(*next, 0), fakeSum(all, int64_t(all.size()) - 1, 1));
}

TEST_P(FakeEngine, WorkFollowsTheFormulas) {
  Sequence sequence = engine->open();
  auto result = step(sequence, std::vector<int32_t>{1, 2, 3});
  // embed 8 * 3, store 2 * 8 * 3, attend 4 * 3 + 4 * (1 + 2 + 3), output 8192 + 64
  EXPECT_EQ(result->work.bytes, 24 + 48 + 12 + 24 + 8256);
  EXPECT_EQ(result->work.flops, 0 + 6 + 12 + 16);
  result = step(sequence, std::vector<int32_t>{1}, LogitRows::none);
  EXPECT_EQ(result->work.bytes, 8 + 16 + 4 + 16);
}

TEST_P(FakeEngine, ClosedAndRewoundPagesAreUsedAgain) {
  for (int i = 0; i < 10; ++i) {
    Sequence sequence = engine->open();
    ASSERT_TRUE(step(sequence, kTokens).ok());
    EXPECT_TRUE(engine->rewind(sequence, 6).ok());
    EXPECT_EQ(engine->cache().freePages(), 14u);
    std::vector<int32_t> tokens(kTokens.begin(), kTokens.begin() + 6);
    tokens.push_back(14);
    auto result = step(sequence, std::vector<int32_t>{14});
    EXPECT_EQ(sumOf(*result, 0), fakeSum(tokens, 6, 1));
    EXPECT_TRUE(engine->close(sequence).ok());
    EXPECT_EQ(engine->cache().freePages(), 16u);
  }
}

TEST_P(FakeEngine, RefusesWrongBatches) {
  Sequence a = engine->open();
  EXPECT_TRUE(says(engine->step({}).status(), "step: expected at least 1 sequence"));
  EXPECT_TRUE(says(step(7, kTokens).status(), "sequence 7: expected an open one"));
  EXPECT_TRUE(says(step(-1, kTokens).status(), "sequence -1: expected an open one"));
  EXPECT_TRUE(says(step(a, {}).status(), "sequence 0: expected at least 1 token"));
  for (int32_t token : {-1, 2048, INT32_MAX, INT32_MIN})
    EXPECT_TRUE(says(step(a, std::vector<int32_t>{1, token}).status(),
                     "sequence 0: token: expected 0 to 2047, found " + std::to_string(token)));
  BatchEntry twice[] = {{a, kTokens}, {a, kTokens}};
  EXPECT_TRUE(says(engine->step(twice).status(), "sequence 0: expected once in a step"));
  EXPECT_TRUE(says(step(a, std::vector<int32_t>(33)).status(),
                   "sequence 0: expected at most 32 tokens (the context), found 33"));
  EXPECT_EQ(*engine->length(a), 0);
  EXPECT_TRUE(engine->close(a).ok());
  EXPECT_TRUE(says(step(a, kTokens).status(), "sequence 0: expected an open one"));
}

// Nothing that a caller says can reach another's pages.
TEST_P(FakeEngine, RefusesWrongSequences) {
  Sequence closed = engine->open(), open = engine->open();
  EXPECT_TRUE(engine->close(closed).ok());
  ASSERT_TRUE(step(open, kTokens).ok());
  for (Sequence wrong : {closed, -1, 7, INT32_MAX, INT32_MIN}) {
    std::string message = absl::StrCat("sequence ", wrong, ": expected an open one");
    EXPECT_TRUE(says(engine->close(wrong), message));
    EXPECT_TRUE(says(engine->rewind(wrong, 0), message));
    EXPECT_TRUE(says(engine->length(wrong).status(), message));
  }
  for (int64_t length : {int64_t(-1), int64_t(20), INT64_MAX, INT64_MIN})
    EXPECT_TRUE(says(engine->rewind(open, length),
                     absl::StrCat("sequence 1: rewind: expected 0 to 19 tokens, found ", length)));
  EXPECT_EQ(*engine->length(open), 19);
  EXPECT_EQ(engine->cache().freePages(), 11u);
}

TEST_P(FakeEngine, FullCacheIsAnError) {
  Sequence a = engine->open(), b = engine->open(), c = engine->open();
  std::vector<int32_t> whole(32, 1), part(20, 2);
  ASSERT_TRUE(step(a, whole).ok());
  ASSERT_TRUE(step(b, part).ok());
  EXPECT_TRUE(
      says(step(c, part).status(), "KV cache: full: the step needs 5 pages of 4 tokens, 3"));
  EXPECT_EQ(*engine->length(c), 0);
  EXPECT_TRUE(engine->close(a).ok());
  auto result = step(c, part);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sumOf(*result, 0), fakeSum(part, 19, 20));
}

TEST_P(FakeEngine, ContextCanBeRaised) {
  start({.context = 100, .poison = true});
  std::vector<int32_t> tokens(100);
  std::iota(tokens.begin(), tokens.begin() + 16, 0);
  auto result = step(engine->open(), tokens);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sumOf(*result, 0), fakeSum(tokens, 99, 100));
}

} // namespace
} // namespace strata::test
