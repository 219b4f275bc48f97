//===- EngineTest.cpp - steps of the fake model, and the KV cache ---------===//

#include "runtime/Engine.h"
#include "test/runtime/TestPackage.h"

#include <cmath>
#include <numeric>

namespace strata::test {
namespace {

TEST(KvCache, GivesEachPageOnce) {
  KvCache cache(5);
  std::vector<int32_t> a, b;
  EXPECT_TRUE(cache.take(2, a).ok());
  EXPECT_TRUE(cache.take(3, b).ok());
  EXPECT_EQ(a, (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(b, (std::vector<int32_t>{2, 3, 4}));
  EXPECT_TRUE(says(cache.take(1, b), "KV cache: full: expected 1 free pages, found 0 of 5"));
  EXPECT_EQ(b.size(), 3u);
  cache.giveBack(a);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(cache.freePages(), 2u);
  EXPECT_TRUE(cache.take(2, b).ok());
}

TEST(KvCache, RefusesSizesThatWrap) {
  package::ProgramT large;
  large.page_tokens = 1;
  large.page_bytes = uint64_t(1) << 48;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(package::Program::Pack(builder, &large));
  auto *program = flatbuffers::GetRoot<package::Program>(builder.GetBufferPointer());
  DeviceOptions options{.context = 1 << 24, .sequences = 64};
  EXPECT_TRUE(says(cachePages(*program, options).status(), "more than can be addressed"));
  options.sequences = 128;
  EXPECT_TRUE(says(cachePages(*program, options).status(), "at most 2147483647 pages"));
}

/// The fake model with two sequences of 32 tokens; parameter: threads.
class FakeEngine : public testing::TestWithParam<int> {
protected:
  void SetUp() override { start({.threads = GetParam(), .sequences = 2, .poison = true}); }

  void start(const EngineOptions &options) {
    engine.reset();
    auto opened = Package::open(folder.write("fake.strata", fakeModel().encode()));
    ASSERT_TRUE(opened.ok()) << opened.status();
    package.emplace(*std::move(opened));
    auto loaded = Weights::fromPackage(*package);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    weights.emplace(*std::move(loaded));
    auto created = Engine::create(*package, *weights, options);
    ASSERT_TRUE(created.ok()) << created.status();
    engine = *std::move(created);
  }

  /// The sum that the logits of a row are multiples of; checks that they are.
  float sumOf(const StepResult &result, int64_t row) {
    std::span<const float> logits = result.row(row);
    for (size_t v = 0; v < logits.size(); ++v)
      EXPECT_EQ(logits[v], logits[0] * float(v + 1)) << "row " << row << " logit " << v;
    return logits[0];
  }

  absl::StatusOr<StepResult> step(Sequence sequence, std::span<const int32_t> tokens,
                                  LogitRows rows = LogitRows::last) {
    BatchEntry entry{sequence, tokens, rows};
    return engine->step({&entry, 1});
  }

  TemporaryFolder folder;
  std::optional<Package> package;
  std::optional<Weights> weights;
  std::unique_ptr<Engine> engine;
};

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
    EXPECT_EQ(engine->length(sequence), size);
    engine->close(sequence);
  }
}

TEST_P(FakeEngine, PrefillCanBeStopped) {
  Sequence sequence = engine->open();
  auto result = prefill(*engine, sequence, kTokens, 4, [](int64_t done) { return done < 8; });
  EXPECT_TRUE(absl::IsCancelled(result.status()));
  EXPECT_EQ(engine->length(sequence), 8);
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
    engine->rewind(sequence, 6);
    EXPECT_EQ(engine->cache().freePages(), 14u);
    std::vector<int32_t> tokens(kTokens.begin(), kTokens.begin() + 6);
    tokens.push_back(14);
    auto result = step(sequence, std::vector<int32_t>{14});
    EXPECT_EQ(sumOf(*result, 0), fakeSum(tokens, 6, 1));
    engine->close(sequence);
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
  EXPECT_EQ(engine->length(a), 0);
  engine->close(a);
  EXPECT_TRUE(says(step(a, kTokens).status(), "sequence 0: expected an open one"));
}

TEST_P(FakeEngine, FullCacheIsAnError) {
  Sequence a = engine->open(), b = engine->open(), c = engine->open();
  std::vector<int32_t> whole(32, 1), part(20, 2);
  ASSERT_TRUE(step(a, whole).ok());
  ASSERT_TRUE(step(b, part).ok());
  EXPECT_TRUE(
      says(step(c, part).status(), "KV cache: full: the step needs 5 pages of 4 tokens, 3"));
  EXPECT_EQ(engine->length(c), 0);
  engine->close(a);
  auto result = step(c, part);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sumOf(*result, 0), fakeSum(part, 19, 20));
}

TEST_P(FakeEngine, ContextCanBeRaised) {
  start({.threads = GetParam(), .context = 100, .poison = true});
  std::vector<int32_t> tokens(100);
  std::iota(tokens.begin(), tokens.begin() + 16, 0);
  auto result = step(engine->open(), tokens);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sumOf(*result, 0), fakeSum(tokens, 99, 100));
}

INSTANTIATE_TEST_SUITE_P(Threads, FakeEngine, testing::Values(1, 2, 5));

TEST(Engine, PoisonTellsOfWritesBehindTheArena) {
  TemporaryFolder folder;
  TestPackage wrong = fakeModel();
  wrong.manifest.programs[0]->kernels[0]->variants[0]->phases[0]->symbol = "embed_behind";
  wrong.layout();
  auto package = Package::open(folder.write("fake.strata", wrong.encode()));
  ASSERT_TRUE(package.ok()) << package.status();
  auto weights = Weights::fromPackage(*package);
  auto engine = Engine::create(*package, *weights, {.poison = true});
  ASSERT_TRUE(engine.ok()) << engine.status();
  BatchEntry entry{(*engine)->open(), kTokens};
  EXPECT_TRUE(says((*engine)->step({&entry, 1}).status(), "arena: a kernel wrote behind its end"));
}

TEST(Engine, PoisonsFreshPages) {
  TemporaryFolder folder;
  TestPackage wrong = fakeModel();
  wrong.manifest.programs[0]->dispatches.erase(wrong.manifest.programs[0]->dispatches.begin() + 2);
  wrong.layout(); // nothing is stored for the layer that counts
  auto package = Package::open(folder.write("fake.strata", wrong.encode()));
  ASSERT_TRUE(package.ok()) << package.status();
  auto weights = Weights::fromPackage(*package);
  for (bool poison : {false, true}) {
    auto engine = Engine::create(*package, *weights, {.poison = poison});
    ASSERT_TRUE(engine.ok()) << engine.status();
    BatchEntry entry{(*engine)->open(), kTokens};
    auto result = (*engine)->step({&entry, 1});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(std::isnan(result->logits[0]), poison);
  }
}

TEST(Engine, MissingSymbolAndCpuAreErrors) {
  TemporaryFolder folder;
  auto create = [&](const TestPackage &changed, const EngineOptions &options) {
    auto package = Package::open(folder.write("fake.strata", changed.encode()));
    EXPECT_TRUE(package.ok()) << package.status();
    return Engine::create(*package, *Weights::fromPackage(*package), options).status();
  };
  TestPackage symbol = fakeModel();
  symbol.manifest.programs[0]->kernels[0]->variants[0]->phases[0]->symbol = "absent";
  symbol.layout();
  EXPECT_TRUE(says(create(symbol, {}), "symbol absent is named by the plan but not defined"));
  TestPackage features = fakeModel();
  features.manifest.programs[0]->code[0]->features = {"avx9000"};
  features.layout();
  EXPECT_TRUE(says(create(features, {}), "fake.strata: this CPU cannot run the package's code: it "
                                         "is for x86-64 (it lacks avx9000)"));
  EXPECT_TRUE(says(create(fakeModel(), {.cpu = "z80"}), "expected one of x86-64, found z80"));
  EXPECT_TRUE(says(create(fakeModel(), {.device = "tpu"}), "device: expected cpu, cuda or cuda:N"));
  EXPECT_TRUE(says(create(fakeModel(), {.threads = -1}), "threads: expected 1 to 1024"));
  EXPECT_TRUE(says(create(fakeModel(), {.context = 1u << 25}), "context: expected at most"));
  TestPackage device = fakeModel();
  makeCuda(*device.manifest.programs[0], "sm_80", package::CodeFormat::cubin);
  device.layout();
  EXPECT_TRUE(says(create(device, {}), "a program for (cuda), found cpu"));
}

} // namespace
} // namespace strata::test
