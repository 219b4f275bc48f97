//===- EngineTest.cpp - the engine on the CPU, and the KV cache -----------===//

#include "test/runtime/engine/FakeEngine.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

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

const std::vector<int32_t> kTokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8};

INSTANTIATE_TEST_SUITE_P(Threads, FakeEngine,
                         testing::Values(FakeParameter{"cpu", 1}, FakeParameter{"cpu", 2},
                                         FakeParameter{"cpu", 5}),
                         nameOf);

TEST_P(FakeEngine, SharesOtherWorkOut) {
  std::vector<std::atomic<int>> calls(1000);
  engine->device().forEach(1000, [&](int64_t unit) { ++calls[size_t(unit)]; });
  for (const std::atomic<int> &count : calls)
    EXPECT_EQ(count, 1);

  const int threads = GetParam().threads; // each waits for all others
  std::atomic<int> begun = 0, met = 0;
  engine->device().forEach(threads, [&](int64_t) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (++begun; begun < threads && std::chrono::steady_clock::now() < end;)
      std::this_thread::yield();
    met += begun == threads;
  });
  EXPECT_EQ(met, threads);
}

TEST(Engine, PoisonTellsOfWritesBehindTheArena) {
  TestFolder folder;
  TestPackage wrong = fakeModel();
  wrong.manifest.programs[0]->kernels[0]->variants[0]->phases[0]->symbol = "embed_behind";
  wrong.layout();
  auto package = Package::open(folder.write("fake.strata", wrong.encode()));
  ASSERT_TRUE(package.ok()) << package.status();
  auto weights = Weights::fromPackage(*package);
  auto engine = openEngine(*package, *weights, {.poison = true});
  ASSERT_TRUE(engine.ok()) << engine.status();
  BatchEntry entry{(*engine)->open(), kTokens};
  EXPECT_TRUE(says((*engine)->step({&entry, 1}).status(), "arena: a kernel wrote behind its end"));
}

TEST(Engine, WantsVariantsThatAreBatchInvariant) {
  TestFolder folder;
  TestPackage model = fakeModel();
  model.layout();
  auto package = Package::open(folder.write("fake.strata", model.encode()));
  ASSERT_TRUE(package.ok()) << package.status();
  auto weights = Weights::fromPackage(*package);
  EXPECT_TRUE(says(openEngine(*package, *weights, {.batchInvariant = true}).status(),
                   "expected a variant that is batch-invariant, the package has none"));
}

TEST(Engine, PoisonsFreshPages) {
  TestFolder folder;
  TestPackage wrong = fakeModel();
  wrong.manifest.programs[0]->dispatches.erase(wrong.manifest.programs[0]->dispatches.begin() + 2);
  wrong.layout(); // nothing is stored for the layer that counts
  auto package = Package::open(folder.write("fake.strata", wrong.encode()));
  ASSERT_TRUE(package.ok()) << package.status();
  auto weights = Weights::fromPackage(*package);
  for (bool poison : {false, true}) {
    auto engine = openEngine(*package, *weights, {.poison = poison});
    ASSERT_TRUE(engine.ok()) << engine.status();
    BatchEntry entry{(*engine)->open(), kTokens};
    auto result = (*engine)->step({&entry, 1});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(std::isnan(result->logits[0]), poison);
  }
}

TEST(Engine, MissingSymbolAndCpuAreErrors) {
  TestFolder folder;
  auto create = [&](const TestPackage &changed, const EngineOptions &options) {
    auto package = Package::open(folder.write("fake.strata", changed.encode()));
    EXPECT_TRUE(package.ok()) << package.status();
    return openEngine(*package, *Weights::fromPackage(*package), options).status();
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
  EXPECT_TRUE(says(create(fakeModel(), {.target = "z80"}), "expected one of x86-64, found z80"));
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
