//===- SimulatorRewrite.h - from NVVM to the simulated GPU ------*- C++ -*-===//
#pragma once

#include "mlir/Pass/Pass.h"

namespace strata {

#define GEN_PASS_DECL
#include "codegen/nvptx/SimulatorPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/nvptx/SimulatorPasses.h.inc"

/// What the pass `decoder-simulate-nvvm` does to one module: a builtin.module or gpu.module with
/// llvm.func kernels directly inside. Reports errors on the ops that the simulator does not know;
/// the module is then half rewritten.
mlir::LogicalResult rewriteForSimulator(mlir::Operation *module);

} // namespace strata
