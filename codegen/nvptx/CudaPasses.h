//===- CudaPasses.h - from planned ops to NVVM ------------------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace strata {

#define GEN_PASS_DECL
#include "codegen/nvptx/CudaPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/nvptx/CudaPasses.h.inc"

/// Symbol of the nested module that holds the kernels.
inline constexpr llvm::StringLiteral kCudaModuleName = "cuda";

/// Lowers the module `@cuda` to the llvm and nvvm dialects, with entries.
void buildLowerCudaKernelsPipeline(mlir::OpPassManager &cudaModule);

/// Registers the passes above and `--decoder-lower-cuda-kernels`.
void registerCudaPassesAndPipelines();

} // namespace strata
