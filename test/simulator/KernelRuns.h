//===- KernelRuns.h - the tests' kernels, launched --------------*- C++ -*-===//
#pragma once

#include "test/simulator/Matrices.h"
#include "test/simulator/SimulatedGpu.h"

namespace strata::test {

/// What came of a launch: the driver's result, and how the output is wrong.
struct Outcome {
  CUresult result;
  std::string wrong;

  bool right() const { return result == CUDA_SUCCESS && wrong.empty(); }
};

using Changes = std::map<std::string, std::string>;

struct Trial {
  Schedule schedule;
  bool integers = true;
  Changes changes = {};     ///< of the kernel's text
  unsigned extraBlocks = 0; ///< past the last one
};

/// Inputs/gemv.mlir, 64 x 256.
Outcome runGemv(const Trial &trial);
/// Inputs/reduce.mlir, 3 blocks.
Outcome runReduce(const Trial &trial);
/// Inputs/gemm_mma.py, 128 x 128 x 256.
Outcome runGemmMma(const Trial &trial);
/// Inputs/gemm_wgmma.py, 128 x 128 x 512.
Outcome runGemmWgmma(const Trial &trial, CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_128B);

/// Inputs/wgmma_plain.mlir.
Outcome runWgmmaPlain(const Trial &trial);
/// Inputs/pingpong.mlir.
Outcome runPingpong(const Trial &trial);
/// Inputs/bulk_copy.mlir, 4 blocks.
Outcome runBulkCopy(const Trial &trial);
/// Inputs/collectives.mlir.
Outcome runCollectives(const Trial &trial);

} // namespace strata::test
