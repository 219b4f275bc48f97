//===- CudaDeviceTest.cpp - what the driver is asked to do ----------------===//

#include "runtime/cuda/Upload.h"
#include "test/runtime/cuda/FakeGpu.h"
#include "test/runtime/engine/FakeEngine.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace strata::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Cuda, FakeEngine,
                         testing::Values(FakeParameter{"cuda", 1}, FakeParameter{"cuda", 2}),
                         nameOf);

const std::vector<int32_t> kTokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8};

using CudaDevice = FakeGpu;

TEST_F(CudaDevice, ReplaysSmallSteps) {
  auto engine = create(fakeCudaModel());
  ASSERT_TRUE(engine.ok()) << engine.status();
  Sequence sequence = (*engine)->open();
  for (size_t i = 0; i < 10; ++i) {
    BatchEntry entry{sequence, std::span(kTokens).subspan(i, 1)};
    auto result = (*engine)->step({&entry, 1});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->logits[0], fakeSum(kTokens, int64_t(i), 1)) << i;
  }
  EXPECT_EQ(driver.graphs, 1);
  EXPECT_EQ(driver.captured, 5) << "dispatches";
  EXPECT_EQ(driver.replays, 10);
  EXPECT_EQ(driver.launches, 0);
  EXPECT_EQ(driver.kernels, 50);
}

TEST_F(CudaDevice, BringsBackWhatIsWantedOfARow) {
  auto engine = create(fakeCudaModel());
  ASSERT_TRUE(engine.ok()) << engine.status();
  const int64_t row = (*engine)->model().vocabulary() * int64_t(sizeof(float));
  const auto bytesOf = [&](std::vector<RowOutput> outputs) {
    const Sequence sequence = (*engine)->open();
    const int64_t before = driver.bytesToHost;
    BatchEntry entry{sequence, std::span(kTokens).first(3), LogitRows::all};
    EXPECT_TRUE((*engine)->step({&entry, 1}, outputs).ok());
    EXPECT_TRUE((*engine)->close(sequence).ok());
    return driver.bytesToHost - before;
  };
  const RowOutput token{.draw = Draw()}, logits{.logits = true}, nothing, both{Draw(), true};
  EXPECT_EQ(bytesOf({}), 3 * row);
  EXPECT_EQ(bytesOf({token, token, token}), 3 * 4);
  EXPECT_EQ(bytesOf({nothing, logits, nothing}), row);
  EXPECT_EQ(bytesOf({nothing, nothing, nothing}), 0);
  EXPECT_EQ(bytesOf({both, token, nothing}), row + 3 * 4);
}

TEST_F(CudaDevice, OneGraphForEachShape) {
  auto engine = create(fakeCudaModel(), {.sequences = 3});
  ASSERT_TRUE(engine.ok()) << engine.status();
  Sequence a = (*engine)->open(), b = (*engine)->open();
  std::span<const int32_t> tokens = kTokens;
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE((*engine)->rewind(a, 0).ok());
    ASSERT_TRUE((*engine)->rewind(b, 0).ok());
    BatchEntry both[] = {{a, tokens.first(3)}, {b, tokens.first(5)}};  // T 8, R 2
    BatchEntry all[] = {{a, tokens.first(1), LogitRows::all}};         // T 1, R 1
    BatchEntry none[] = {{b, tokens.first(1), LogitRows::none}};       // T 1, R 0
    BatchEntry sixteen[] = {{a, tokens.first(16), LogitRows::last}};   // T 16, R 1
    BatchEntry seventeen[] = {{b, tokens.first(17), LogitRows::last}}; // too large
    for (std::span<BatchEntry> batch :
         std::initializer_list<std::span<BatchEntry>>{both, all, none, sixteen, seventeen})
      ASSERT_TRUE((*engine)->step(batch).ok());
  }
  EXPECT_EQ(driver.graphs, 4);
  EXPECT_EQ(driver.replays, 16);
  EXPECT_EQ(driver.launches, 4 * 6) << "6 phases of 5 dispatches";
}

TEST_F(CudaDevice, ReplaysATokenForEachOfManySequences) {
  TestPackage model = fakeCudaModel();
  auto engine = create(model, {.sequences = 20});
  ASSERT_TRUE(engine.ok()) << engine.status();
  std::vector<Sequence> sequences;
  for (int i = 0; i < 17; ++i)
    sequences.push_back((*engine)->open());
  for (size_t round = 0; round < 3; ++round) {
    std::vector<BatchEntry> batch;
    for (Sequence sequence : sequences)
      batch.push_back({sequence, std::span(kTokens).subspan(round, 1)});
    auto result = (*engine)->step(batch);
    ASSERT_TRUE(result.ok()) << result.status();
    for (int64_t row = 0; row < 17; ++row)
      EXPECT_EQ(result->row(row)[0], fakeSum(kTokens, int64_t(round), 17)) << row;
  }
  EXPECT_EQ(driver.graphs, 1);
  EXPECT_EQ(driver.replays, 3);
  EXPECT_EQ(driver.launches, 0);
}

TEST_F(CudaDevice, AnotherGraphWhereAVariantIsForOtherRuns) {
  TestPackage model = fakeCudaModel();
  auto &variants = model.manifest.programs[0]->kernels[2]->variants;
  variants[0]->up_to = 0;
  variants[0]->up_to_run = 1;
  model.layout();
  auto engine = create(model, {.sequences = 2});
  ASSERT_TRUE(engine.ok()) << engine.status();
  Sequence a = (*engine)->open(), b = (*engine)->open();
  std::span<const int32_t> tokens = kTokens;
  BatchEntry one[] = {{a, tokens.first(2), LogitRows::last}};
  BatchEntry both[] = {{a, tokens.subspan(2, 1), LogitRows::none}, {b, tokens.first(1)}};
  ASSERT_TRUE((*engine)->step(one).ok());  // T 2, R 1, a run of 2
  ASSERT_TRUE((*engine)->step(both).ok()); // T 2, R 1, runs of 1
  EXPECT_EQ(driver.graphs, 2);
}

TEST_F(CudaDevice, CapturesAgainWhenMemoryHasGrown) {
  auto engine = create(fakeCudaModel(), {.context = 64, .stepTokens = 1});
  ASSERT_TRUE(engine.ok()) << engine.status();
  Sequence sequence = (*engine)->open();
  std::vector<int32_t> fed;
  for (int64_t size : {1, 1, 40, 1, 1}) {
    std::vector<int32_t> tokens(size_t(size), int32_t(fed.size()));
    fed.insert(fed.end(), tokens.begin(), tokens.end());
    BatchEntry entry{sequence, tokens};
    auto result = (*engine)->step({&entry, 1});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->logits[0], fakeSum(fed, int64_t(fed.size()) - 1, size));
  }
  EXPECT_EQ(driver.graphs, 2);
  EXPECT_EQ(driver.replays, 4);
}

TEST_F(CudaDevice, ManyRowsOfLogits) {
  auto engine = create(fakeCudaModel());
  ASSERT_TRUE(engine.ok()) << engine.status();
  BatchEntry entry{(*engine)->open(), kTokens, LogitRows::all};
  auto result = (*engine)->step({&entry, 1});
  ASSERT_TRUE(result.ok()) << result.status();
  for (int64_t i = 0; i < result->rows; ++i)
    EXPECT_EQ(result->row(i)[0], fakeSum(kTokens, i, 19));
}

TEST_F(CudaDevice, UsesThePtxWhereThereIsNoCubin) {
  TestPackage model = fakeCudaModel("sm_80.ptx", package::CodeFormat::ptx);
  model.contents[0] = ".version 8.0 // fake";
  model.layout();
  driver.capability = 89;
  auto engine = create(model);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->target(), "sm_80.ptx");
  auto result = step(**engine, kTokens);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->logits[0], fakeSum(kTokens, 18, 19));
}

TEST_F(CudaDevice, AsksForLargeSharedMemory) {
  TestPackage model = fakeCudaModel();
  for (auto &phase : model.manifest.programs[0]->kernels[0]->variants[0]->phases)
    phase->shared_bytes = 100 << 10;
  model.layout();
  auto engine = create(model);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(step(**engine, kTokens).ok()) << "the fake driver checks it";
}

TEST_F(CudaDevice, TensorMapsOfWeightsOnceOfTheArenaForEachLaunch) {
  TestPackage model = fakeCudaModel();
  addMaps(*model.manifest.programs[0]);
  model.layout();
  auto engine = create(model);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ(driver.maps, 1);
  for (size_t size : {19, 17, 1, 1}) { // the kernel checks what is in them; the last is a replay
    auto result = step(**engine, std::span(kTokens).first(size));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->logits[0],
              fakeSum(std::span(kTokens).first(size), int64_t(size) - 1, int64_t(size)));
  }
  EXPECT_EQ(driver.maps, 4);
}

TEST_F(CudaDevice, PoisonTellsOfWritesBehindTheArena) {
  TestPackage wrong = fakeCudaModel();
  wrong.manifest.programs[0]->kernels[0]->variants[0]->phases[0]->symbol = "embed_behind";
  wrong.layout();
  auto engine = create(wrong, {.poison = true, .stepTokens = 1});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(says(step(**engine, kTokens).status(), "arena: a kernel wrote behind its end"));
}

TEST_F(CudaDevice, SeveralEnginesAndDevices) {
  driver.devices = 2;
  auto first = create(fakeCudaModel());
  Package firstPackage = *std::move(package);
  auto second = openEngine(firstPackage, *weights, {.threads = 1, .device = "cuda:1"});
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  EXPECT_TRUE(step(**first, kTokens).ok());
  EXPECT_TRUE(step(**second, kTokens).ok());
}

TEST_F(CudaDevice, UploadsInParts) {
  auto calls = cuda::Driver::load();
  ASSERT_TRUE(calls.ok()) << calls.status();
  cuda::CUcontext context = nullptr;
  cuda::CUstream stream = nullptr;
  ASSERT_TRUE(calls->cuDevicePrimaryCtxRetain(&context, 40).ok());
  ASSERT_TRUE(calls->cuStreamCreate(&stream, 0u).ok());
  std::vector<std::vector<uint32_t>> values;
  Weights::Parameters spans;
  for (size_t size : {1, 0, 3, 30000000, 5, 4194304, 4194305}) {
    values.emplace_back(size);
    std::iota(values.back().begin(), values.back().end(), uint32_t(values.size() << 28));
    spans.push_back(std::as_bytes(std::span(values.back())));
  }
  TestPackage model = fakeCudaModel();
  for (size_t i = 2; i < spans.size(); ++i) {
    model.manifest.parameters.push_back(
        std::make_unique<package::ParameterT>(*model.manifest.parameters[0]));
    model.manifest.parameters.back()->key = "extra" + std::to_string(i);
  }
  model.layout();
  auto opened = Package::open(folder.write("fake.strata", model.encode()));
  ASSERT_TRUE(opened.ok()) << opened.status();
  for (int threads : {1, 3}) {
    Weights values(spans, nullptr);
    auto memory = cuda::allocateWeights(*calls, values);
    ASSERT_TRUE(memory.ok()) << memory.status();
    absl::Status done = cuda::uploadWeights(*calls, stream, *opened, values, threads, *memory);
    ASSERT_TRUE(done.ok()) << done;
    for (size_t i = 0; i < spans.size(); ++i) {
      EXPECT_EQ((*memory)[i].size(), spans[i].size());
      auto *found = reinterpret_cast<const std::byte *>((*memory)[i].address());
      EXPECT_TRUE(spans[i].empty() || memcmp(found, spans[i].data(), spans[i].size()) == 0) << i;
    }
  }
  (void)calls->cuStreamDestroy_v2(stream);
  (void)calls->cuDevicePrimaryCtxRelease_v2(40);
}

} // namespace
} // namespace strata::test
