//===- CpuPasses.h - from planned ops to x86-64 -----------------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>
#include <string>

namespace strata {

#define GEN_PASS_DECL
#include "codegen/cpu/CpuPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/cpu/CpuPasses.h.inc"

/// Lowers a level's module, inside a decoder program, to the llvm dialect with entries.
void buildLowerCpuKernelsPipeline(mlir::OpPassManager &levelModule);

/// Registers the passes above and `--decoder-lower-cpu-kernels`, the pipeline for every level.
void registerCpuPassesAndPipelines();

} // namespace strata
