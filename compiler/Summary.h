//===- Summary.h - what strata-compile says of a model ----------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "llvm/Support/raw_ostream.h"

namespace strata {

/// Name, parameters, bytes streamed a token, launches, cache: after the stage `fuse`.
void printModel(mlir::ModuleOp module, llvm::raw_ostream &os);

/// The arena's formula: after the stage `plan`.
void printPlan(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace strata
