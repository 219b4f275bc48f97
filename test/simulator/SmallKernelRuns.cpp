//===- SmallKernelRuns.cpp - kernels of one feature each ------------------===//

#include "test/simulator/KernelRuns.h"

#include <functional>

namespace strata::test {

Outcome runWgmmaPlain(const Trial &trial) {
  const std::string &image = kernelImage("wgmma_plain.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  auto a = randomBf16(64 * 16, true, 1), b = randomBf16(8 * 16, true, 2);
  CUdeviceptr c = gpu.allocate(64 * 8 * 4);
  CUresult result =
      gpu.launch(gpu.load(image, "wgmma_plain"), {.threads = 128}, gpu.upload(a), gpu.upload(b), c);
  std::vector<uint16_t> rounded; // sums of 16 such products are exact in bf16
  for (float value : gpu.download<float>(c, 64 * 8))
    rounded.push_back(toBf16(value));
  return {result, compareProduct(a, b, rounded, 64, 8, 16, true)};
}

static std::vector<uint32_t> counting(size_t count) {
  std::vector<uint32_t> values(count);
  for (size_t i = 0; i != count; ++i)
    values[i] = uint32_t(7 * i + 1);
  return values;
}

Outcome runPingpong(const Trial &trial) {
  const std::string &image = kernelImage("pingpong.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  std::vector<uint32_t> x = counting(256);
  CUdeviceptr y = gpu.allocate(256 * 4);
  CUresult result = gpu.launch(gpu.load(image, "pingpong"), {.threads = 64}, gpu.upload(x), y);
  return {result, gpu.download<uint32_t>(y, 256) == x ? "" : "y is not x"};
}

Outcome runBulkCopy(const Trial &trial) {
  const std::string &image = kernelImage("bulk_copy.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  std::vector<uint32_t> x = counting(512), zero = {0};
  CUdeviceptr y = gpu.allocate(512 * 4), last = gpu.upload(zero);
  CUresult result = gpu.launch(gpu.load(image, "bulk_copy"), {.gridX = 4, .threads = 128},
                               gpu.upload(x), y, gpu.upload(zero), last);
  bool right = gpu.download<uint32_t>(y, 512) == x && gpu.download<uint32_t>(last, 1)[0] == 3;
  return {result, right ? "" : "y is not x"};
}

/// What each result of collectives.mlir is in a lane, from the PTX ISA.
static const std::vector<std::function<uint32_t(uint32_t)>> collectiveResults = {
    [](uint32_t lane) { return lane >= 2 ? lane - 2 : lane; },
    [](uint32_t lane) { return lane + 5 <= 31 ? lane + 5 : lane; },
    [](uint32_t lane) { return lane / 8 * 8 + 3; },
    [](uint32_t lane) { return lane ^ 5; },
    [](uint32_t lane) { return uint32_t(lane + 5 <= 31); },
    [](uint32_t) { return 0xaaaaaaaau; },
    [](uint32_t) { return 1u; },
    [](uint32_t) { return 0u; },
    [](uint32_t) { return 1u; },
    [](uint32_t lane) {
      uint32_t mask = 0;
      for (uint32_t other = lane % 3; other < 32; other += 3)
        mask |= 1u << other;
      return mask;
    },
    [](uint32_t) { return 31u * 32 / 2; },
    [](uint32_t) { return uint32_t(-31); },
    [](uint32_t) { return 31u; },
    [](uint32_t lane) { return uint32_t(lane == 0); },
};

Outcome runCollectives(const Trial &trial) {
  const std::string &image = kernelImage("collectives.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  size_t count = collectiveResults.size() * 32;
  CUdeviceptr out = gpu.allocate(count * 4);
  CUresult result = gpu.launch(gpu.load(image, "collectives"), {}, out);
  std::vector<uint32_t> results = gpu.download<uint32_t>(out, count);
  for (uint32_t i = 0; i != count; ++i)
    if (results[i] != collectiveResults[i / 32](i % 32))
      return {result, "result " + std::to_string(i / 32) + " of lane " + std::to_string(i % 32) +
                          " is " + std::to_string(results[i])};
  return {result, ""};
}

} // namespace strata::test
