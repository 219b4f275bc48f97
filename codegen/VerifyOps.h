//===- VerifyOps.h - what targets ask of ops before kernels -----*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"

namespace strata {

/// An error at an op that is on tensors, or that has no workspace though its kernel wants one.
mlir::LogicalResult verifyPlanned(mlir::Operation *op, bool wantsWorkspace, llvm::StringRef target);

/// An error at an op with a cache whose heads have a number of features that is no multiple.
mlir::LogicalResult verifyHeadDim(mlir::Operation *op, int64_t multiple, llvm::StringRef target);

} // namespace strata
