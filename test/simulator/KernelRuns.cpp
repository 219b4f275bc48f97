//===- KernelRuns.cpp -----------------------------------------------------===//

#include "test/simulator/KernelRuns.h"

namespace strata::test {

Outcome runGemv(const Trial &trial) {
  constexpr size_t rows = 64, depth = 256;
  const std::string &image = kernelImage("gemv.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  auto w = randomBf16(rows * depth, trial.integers, 1), x = randomBf16(depth, trial.integers, 2);
  CUdeviceptr y = gpu.allocate(rows * 2);
  CUresult result = gpu.launch(gpu.load(image, "gemv"),
                               {.gridX = unsigned(rows / 4) + trial.extraBlocks, .threads = 128},
                               gpu.upload(w), gpu.upload(x), y);
  return {result,
          compareProduct(w, x, gpu.download<uint16_t>(y, rows), rows, 1, depth, trial.integers)};
}

Outcome runReduce(const Trial &trial) {
  constexpr size_t blocks = 3, width = 256;
  const std::string &image = kernelImage("reduce.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  std::vector<float> x(blocks * width), expected(blocks);
  for (size_t i = 0; i != x.size(); ++i)
    expected[i / width] += x[i] = float(i % 17);
  CUdeviceptr sums = gpu.allocate(blocks * 4), seen = gpu.allocate(x.size() * 4);
  CUresult result = gpu.launch(gpu.load(image, "reduce"), {.gridX = blocks, .threads = width},
                               gpu.upload(x), sums, seen);
  std::string wrong = gpu.download<float>(sums, blocks) == expected ? "" : "sums";
  auto seenValues = gpu.download<float>(seen, x.size());
  for (size_t i = 0; i != x.size(); ++i)
    if (seenValues[i] != x[i / width * width])
      wrong = "seen";
  return {result, wrong};
}

Outcome runGemmMma(const Trial &trial) {
  constexpr size_t rows = 128, columns = 128, depth = 256;
  const std::string &image = kernelImage("gemm_mma.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  auto a = randomBf16(rows * depth, trial.integers, 3),
       b = randomBf16(columns * depth, trial.integers, 4);
  CUdeviceptr c = gpu.allocate(rows * columns * 2);
  CUresult result =
      gpu.launch(gpu.load(image, "gemm_mma"),
                 {.gridX = columns / 64, .gridY = rows / 64, .threads = 128, .sharedBytes = 24576},
                 gpu.upload(a), gpu.upload(b), c);
  return {result, compareProduct(a, b, gpu.download<uint16_t>(c, rows * columns), rows, columns,
                                 depth, trial.integers)};
}

/// Boxes of 64 x 64 bf16 of a row-major matrix.
static CUtensorMap tensorMap(const DriverTable &driver, CUdeviceptr memory, uint64_t rows,
                             uint64_t depth, CUtensorMapSwizzle swizzle) {
  CUtensorMap map;
  uint64_t sizes[] = {depth, rows}, strides[] = {depth * 2};
  uint32_t box[] = {64, 64}, ones[] = {1, 1};
  EXPECT_EQ(driver.cuTensorMapEncodeTiled(
                &map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, reinterpret_cast<void *>(memory), sizes,
                strides, box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle,
                CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
            CUDA_SUCCESS);
  return map;
}

Outcome runGemmWgmma(const Trial &trial, CUtensorMapSwizzle swizzle) {
  constexpr size_t rows = 128, columns = 128, depth = 512;
  const std::string &image = kernelImage("gemm_wgmma.mlir", trial.changes);
  SimulatedGpu gpu(trial.schedule);
  auto a = randomBf16(rows * depth, trial.integers, 5),
       b = randomBf16(columns * depth, trial.integers, 6);
  CUdeviceptr c = gpu.allocate(rows * columns * 2);
  CUtensorMap mapA = tensorMap(gpu.driver, gpu.upload(a), rows, depth, swizzle);
  CUtensorMap mapB = tensorMap(gpu.driver, gpu.upload(b), columns, depth, swizzle);
  CUresult result = gpu.launch(
      gpu.load(image, "gemm_wgmma"),
      {.gridX = columns / 64, .gridY = rows / 64, .threads = 256, .sharedBytes = 3 * 16384 + 48},
      mapA, mapB, c);
  return {result, compareProduct(a, b, gpu.download<uint16_t>(c, rows * columns), rows, columns,
                                 depth, trial.integers)};
}

} // namespace strata::test
