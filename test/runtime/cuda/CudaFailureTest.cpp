//===- CudaFailureTest.cpp - every call of the driver fails once ----------===//

#include "runtime/cuda/Driver.h"
#include "test/runtime/cuda/FakeGpu.h"

namespace strata::test {
namespace {

const std::vector<int32_t> kTokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8};

using CudaFailure = FakeGpu;

/// From nothing to nothing: a large step, two small ones, one that is timed, the ceilings, and the
/// end.
absl::Status wholeRun(const Package &package, const Weights &weights, bool poison) {
  auto engine = openEngine(package, weights,
                           {.threads = 1, .poison = poison, .device = "cuda", .stepTokens = 2});
  if (!engine.ok())
    return engine.status();
  Sequence sequence = (*engine)->open();
  for (size_t size : {17, 1, 1, 2}) {
    (*engine)->device().probe().timeDispatches(size == 2);
    BatchEntry entry{sequence, std::span(kTokens).first(size)};
    auto result = (*engine)->step({&entry, 1});
    if (!result.ok())
      return result.status();
  }
  absl::Status status = (*engine)->device().meter().measureRead(1 << 20, 0.001).status();
  status.Update((*engine)->device().meter().measureFlops().status());
  return status;
}

TEST_F(CudaFailure, OfAnyCallWithAnyCode) {
  TestPackage model = fakeCudaModel();
  addMaps(*model.manifest.programs[0]);
  model.layout();
  ASSERT_TRUE(create(model).ok());
  resetFakeDriver();
  ASSERT_TRUE(wholeRun(*package, *weights, true).ok());
  int64_t calls = driver.calls;
  ASSERT_GT(calls, 80);
  for (int64_t code :
       {2, 34, 46, 100, 101, 200, 209, 214, 218, 221, 222, 224, 700, 702, 710, 802, 803, 804})
    for (int64_t k = 1; k <= calls; ++k) {
      resetFakeDriver();
      driver.failAt = k;
      driver.failCode = code;
      absl::Status status = wholeRun(*package, *weights, true);
      std::string call = driver.failedCall ? driver.failedCall : "none";
      SCOPED_TRACE("call " + std::to_string(k) + ", " + call + ", fails with " +
                   std::to_string(code) + ": " + status.ToString());
      ASSERT_EQ(driver.live, 0);
      ASSERT_EQ(driver.wrong, 0);
      // Errors of these are not reported, but by a later call if they are of that kind.
      bool quiet = call == "cuDriverGetVersion";
      for (const char *part : {"Destroy", "Free", "Release", "Unload"})
        quiet |= call.find(part) != call.npos;
      if (status.ok()) { // these two are also called when there is no engine any more
        EXPECT_TRUE(quiet || call == "cuCtxSetCurrent" || call == "cuStreamSynchronize");
        continue;
      }
      EXPECT_TRUE(says(status, " (" + std::to_string(code) + "): "));
      EXPECT_TRUE(quiet || says(status, call + ": "));
      EXPECT_EQ(isLost(status), code == 214 || (code >= 700 && code < 720));
    }
}

TEST_F(CudaFailure, OfRandomWeights) {
  ASSERT_TRUE(create(fakeCudaModel()).ok());
  Weights random = Weights::random(*package, 1);
  resetFakeDriver();
  ASSERT_TRUE(wholeRun(*package, random, false).ok());
  EXPECT_EQ(driver.kernels, 6 + 3 * 5 + 2 + 2 + 1) << "steps, parameters, reads, products";
  for (int64_t k = 1, calls = driver.calls; k <= calls; ++k) {
    resetFakeDriver();
    driver.failAt = k;
    driver.failCode = 2;
    absl::Status status = wholeRun(*package, random, false);
    EXPECT_EQ(driver.live, 0) << k;
    EXPECT_EQ(driver.wrong, 0) << k;
    EXPECT_TRUE(status.ok() || says(status, " (2): ")) << k;
  }
}

TEST_F(CudaFailure, PackagesWithoutAuxiliaryKernels) {
  TestPackage old = fakeCudaModel();
  old.manifest.programs[0]->auxiliary.clear();
  old.layout();
  auto engine = create(old);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ(*(*engine)->device().meter().measureRead(1 << 20, 0.001), 0);
  EXPECT_EQ(*(*engine)->device().meter().measureFlops(), 0);
  EXPECT_EQ((*engine)->device().meter().flopInstruction(), "");
  const int32_t token = 1;
  BatchEntry entry{(*engine)->open(), {&token, 1}};
  const RowOutput output{.draw = Draw()};
  EXPECT_TRUE(
      says((*engine)->step({&entry, 1}, {&output, 1}).status(),
           "sampling: the package has no kernel that draws tokens; compile the model again"));
  engine->reset();
  auto random = openEngine(*package, Weights::random(*package, 1), {.device = "cuda"});
  EXPECT_TRUE(says(random.status(), "table: random weights: the package has no kernel that makes "
                                    "f32; compile the model again"));
  TestPackage wrong = fakeCudaModel();
  wrong.manifest.programs[0]->auxiliary[0]->symbol = "reed_memory";
  wrong.layout();
  EXPECT_TRUE(says(create(wrong).status(), "cuda.sim: reed_memory: cuModuleGetFunction"));
}

TEST_F(CudaFailure, RandomWeightsInBlocks) {
  TestPackage blocks = fakeCudaModel();
  package::ParameterT &table = *blocks.manifest.parameters[0];
  table.dtype = package::DType::q8_0;
  table.shape = {32, 32};
  blocks.layout();
  ASSERT_TRUE(create(blocks).ok());
  auto random = openEngine(*package, Weights::random(*package, 1), {.device = "cuda"});
  EXPECT_TRUE(says(random.status(),
                   "table: random weights: GPUs make none of q8_0; give the weights "
                   "of a checkpoint"));
}

TEST_F(CudaFailure, WithoutTheDriversNames) {
  ASSERT_TRUE(create(fakeCudaModel()).ok());
  resetFakeDriver();
  driver.failNames = 1;
  driver.failAt = 1;
  driver.failCode = 999;
  EXPECT_TRUE(
      says(wholeRun(*package, *weights, false), "cuInit: an error without a name (999): unknown"));
}

TEST_F(CudaFailure, TellsWhatItMeans) {
  ASSERT_TRUE(create(fakeCudaModel()).ok());
  for (auto [code, text] : {std::pair{34, "is the CUDA toolkit's stub"},
                            {100, "no CUDA-capable device is detected; the driver sees no GPU"},
                            {802, "fabric manager"},
                            {803, "restart the machine"}}) {
    resetFakeDriver();
    driver.failAt = 1;
    driver.failCode = code;
    EXPECT_TRUE(says(wholeRun(*package, *weights, false), text));
  }
}

TEST_F(CudaFailure, TensorMaps) {
  TestPackage model = fakeCudaModel();
  addMaps(*model.manifest.programs[0]);
  model.layout();
  ASSERT_TRUE(create(model).ok());
  int64_t calls = driver.calls, maps = 0;
  for (int64_t k = 1; k <= calls; ++k) {
    resetFakeDriver();
    driver.failAt = k;
    driver.failCode = 1;
    absl::Status status = create(model).status();
    if (driver.failedCall != std::string("cuTensorMapEncodeTiled"))
      continue;
    ++maps;
    EXPECT_TRUE(says(status, "cuda:0 (Fake GPU): embed: cuTensorMapEncodeTiled: "
                             "CUDA_ERROR_INVALID_VALUE (1): invalid argument"));
  }
  EXPECT_EQ(maps, 1);
}

TEST_F(CudaFailure, AFaultOfAKernelIsForGood) {
  auto engine = create(fakeCudaModel());
  ASSERT_TRUE(engine.ok()) << engine.status();
  ASSERT_TRUE(step(**engine, kTokens).ok());
  driver.faultAt = driver.kernels + 2;
  absl::Status fault = step(**engine, std::span(kTokens).first(3)).status();
  EXPECT_TRUE(says(fault, "cuda:0 (Fake GPU): cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS "
                          "(700): an illegal memory access was encountered; this process cannot "
                          "use the device any more"));
  EXPECT_TRUE(isLost(fault));
  int64_t calls = driver.calls;
  EXPECT_EQ(step(**engine, kTokens).status(), fault);
  EXPECT_EQ(driver.calls, calls) << "the driver is not asked again";
}

TEST_F(CudaFailure, AStepThatFailedCanBeTriedAgain) {
  auto engine = create(fakeCudaModel());
  ASSERT_TRUE(engine.ok()) << engine.status();
  Sequence sequence = (*engine)->open();
  BatchEntry entry{sequence, std::span(kTokens).first(5)};
  for (int64_t k = 1;; ++k) {
    driver.calls = 0;
    driver.failAt = k;
    driver.failCode = 2;
    auto result = (*engine)->step({&entry, 1});
    if (result.ok()) {
      EXPECT_GT(k, 8);
      EXPECT_EQ(result->logits[0], fakeSum(kTokens, 4, 5));
      break;
    }
    EXPECT_EQ(*(*engine)->length(sequence), 0);
  }
}

TEST_F(CudaFailure, TooLittleMemory) {
  TestPackage model = fakeCudaModel();
  driver.memory = 10000000;
  absl::Status status = create(model, {.context = 1 << 22}).status();
  EXPECT_TRUE(says(status, "cuda:0 (Fake GPU): memory: needed ")) << status;
  EXPECT_TRUE(says(status, "(weights 16.4 kB, KV cache 67.1 MB, arena 6.1 kB, inputs and logits "));
  EXPECT_TRUE(says(status, "available 10.0 MB of 10.0 MB; a smaller --context needs less"));
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_EQ(driver.allocated, 0);
  driver.memory = 100000000;
  EXPECT_TRUE(create(model, {.context = 1 << 22}).ok());
}

TEST_F(CudaFailure, ALargerStepThanThereIsMemoryFor) {
  TestPackage model = fakeCudaModel();
  model.manifest.programs[0]->arena_bytes_per_token = 1 << 20;
  model.layout();
  driver.memory = 20 << 20;
  auto engine = create(model, {.stepTokens = 16});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(says(step(**engine, kTokens).status(),
                   "arena: 33.6 MB: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory; a "
                   "smaller --context needs less memory"));
  EXPECT_TRUE(step(**engine, std::span(kTokens).first(5)).ok()) << "smaller ones still run";
}

TEST_F(CudaFailure, BlocksThatDoNotFit) {
  TestPackage model = fakeCudaModel();
  package::PhaseT &phase = *model.manifest.programs[0]->kernels[0]->variants[0]->phases[0];
  phase.block = 1024;
  model.layout();
  EXPECT_TRUE(says(create(model).status(), "fake.strata: cuda.sim: embed: its blocks have 1024 "
                                           "threads, cuda:0 (Fake GPU) allows 512"));
  phase.block = 512;
  phase.shared_bytes = 100000;
  model.layout();
  driver.sharedMemory = 101000;
  EXPECT_TRUE(says(create(model).status(),
                   "embed: its blocks need 101024 bytes of shared memory, cuda:0 (Fake GPU) has "
                   "101000; compile the model for this GPU"));
  driver.sharedMemory = 101024;
  EXPECT_TRUE(create(model).ok());
}

TEST_F(CudaFailure, CodeThatIsNone) {
  TestPackage model = fakeCudaModel("sm_80.ptx", package::CodeFormat::ptx);
  model.contents[0] = "something else";
  model.layout();
  driver.capability = 80;
  EXPECT_TRUE(says(create(model).status(), "fake.strata: cuda.sm_80.ptx: cuModuleLoadDataEx: "));
  EXPECT_TRUE(says(create(model).status(), ": fake compiler: cannot read this"));
  TestPackage symbol = fakeCudaModel();
  symbol.manifest.programs[0]->kernels[0]->variants[0]->phases[0]->symbol = "absent";
  symbol.layout();
  driver.capability = 0;
  EXPECT_TRUE(says(create(symbol).status(), "fake.strata: cuda.sim: absent: cuModuleGetFunction: "
                                            "CUDA_ERROR_NOT_FOUND (500)"));
}

TEST_F(CudaFailure, DevicesThatAreNot) {
  EXPECT_TRUE(says(create(fakeCudaModel(), {.device = "cuda:1"}).status(),
                   "device: expected cuda:0 to cuda:0, found cuda:1"));
  EXPECT_TRUE(says(create(fakeCudaModel(), {.device = "cuda:x"}).status(), "device: expected cpu"));
  EXPECT_TRUE(says(create(fakeCudaModel(), {.device = "cuda:-1"}).status(), "device: expected"));
  driver.devices = 0;
  EXPECT_TRUE(says(create(fakeCudaModel()).status(), "cuInit: CUDA_ERROR_NO_DEVICE (100)"));
  EXPECT_TRUE(says(create(fakeModel()).status(), "a program for (cpu), found cuda"));
}

} // namespace
} // namespace strata::test
