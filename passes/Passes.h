//===- Passes.h - the passes over the decoder dialect -----------*- C++ -*-===//
//
// What each does stands in Passes.td.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialect/Decoder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace strata {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

/// registerStrataPasses(), and one function for each.
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

/// What --decoder-verify-plan checks. A workspace of which `decoder.workspace_bytes` does not tell
/// the size counts as kArenaAlignment bytes.
llvm::LogicalResult verifyPlan(mlir::func::FuncOp function);

} // namespace strata
