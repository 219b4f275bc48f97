//===- ReadsTest.cpp - how kernels read weights in blocks -----------------===//
//
// The decode forms wait for memory alone: they should read each byte of the weights once, and 16 of
// them at a time. The simulated GPU counts (runtime/simulator/README.md).
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelRun.h"
#include "test/kernels/RandomBlocks.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <dlfcn.h>
#include <numeric>

namespace strata::test {
namespace {

struct Reads {
  uint64_t bytes = 0, together = 0;
};

/// Of the allocations of so many bytes, since the process began; nullopt where the GPU is no
/// simulated one.
std::optional<Reads> readsOf(size_t allocationBytes) {
  using Count = void(size_t, uint64_t *, uint64_t *);
  void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  auto *count = driver ? reinterpret_cast<Count *>(dlsym(driver, "strataSimulatorReads")) : nullptr;
  if (!count)
    return std::nullopt;
  Reads reads;
  count(allocationBytes, &reads.bytes, &reads.together);
  return reads;
}

class Reading : public testing::TestWithParam<const KernelModel *> {};

TEST_P(Reading, DecodeReadsTheBytesOfTheFileOnce) {
  const KernelModel &model = *GetParam();
  std::mt19937_64 generator{7};
  auto random = [&](int64_t rows) {
    Matrix like(rows, model.in);
    std::ranges::fill(like.values, 1.0f);
    return randomBlocks(model.blocks, like, generator);
  };
  Parameters parameters;
  parameters["table"] = random(model.vocabulary);
  parameters["weight"] = random(model.out);
  Matrix &scores = parameters["scores"] = Matrix(model.vocabulary, model.out); // the identity
  for (int64_t i = 0; i != model.vocabulary; ++i)
    scores.at(i, i) = 1;
  const size_t stored = parameters["weight"].stored.size();
  ASSERT_NE(stored, parameters["table"].stored.size());
  KernelRun run(model, "cuda", parameters, false);
  if (!run.ready())
    return;
  for (int64_t count : {1, 3, 16}) {
    std::optional<Reads> before = readsOf(stored);
    if (!before)
      GTEST_SKIP() << "no simulated GPU";
    Tokens tokens(size_t(count), 0);
    std::iota(tokens.begin(), tokens.end(), 0);
    run.step({{0, tokens}});
    Reads after = *readsOf(stored);
    const double bytes = double(after.bytes - before->bytes);
    // A stretch of 16 tokens is a block. That of Q6_K, 210 bytes, begins within 16 bytes that the
    // one before has read, and so within a sector of the cache.
    const double twice = count > 4 && model.blocks == "q6_k" ? 0.035 : 0.01;
    EXPECT_NEAR(bytes / double(stored), 1, twice) << model.blocks << ", T = " << count;
    EXPECT_GE(double(after.together - before->together), 0.9 * bytes)
        << model.blocks << ", T = " << count;
    RecordProperty("read_of_stored_T" + std::to_string(count),
                   std::to_string(bytes / double(stored)));
    run.rewind(0, 0);
  }
}

std::vector<const KernelModel *> models() {
  std::vector<const KernelModel *> found;
  for (const KernelModel &model : kernelModels())
    if (model.name.ends_with("_reads"))
      found.push_back(&model);
  return found;
}

INSTANTIATE_TEST_SUITE_P(Cuda, Reading, testing::ValuesIn(models()),
                         [](auto &info) { return info.param->name; });

} // namespace
} // namespace strata::test
