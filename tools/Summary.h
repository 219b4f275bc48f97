//===- Summary.h - what strata-compile says of a model ----------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "llvm/Support/raw_ostream.h"

namespace strata {

/// Facts of a program after the stage `plan`.
struct Summary {
  std::string name;
  int64_t parameters = 0;    ///< elements of distinct tensors
  int64_t streamedBytes = 0; ///< weights read for one token
  int64_t kernels = 0;       ///< launches a step
  int64_t arenaBytesPerToken = 0;
  int64_t cacheBytesPerToken = 0; ///< keys and values, all layers
  int64_t pageTokens = 0, pageBytes = 0;
};

Summary summarize(mlir::ModuleOp module);
void printSummary(const Summary &summary, llvm::raw_ostream &os);

} // namespace strata
