//===- LowerBodies.h - kernel bodies to the llvm dialect --------*- C++ -*-===//
#pragma once

#include "mlir/Pass/PassManager.h"

namespace strata {

/// func, scf, memref, vector, math and arith to the llvm dialect, with bare pointers; ops of llvm,
/// nvvm and x86vector's intrinsics stay.
void buildLowerBodiesPipeline(mlir::OpPassManager &module);

} // namespace strata
