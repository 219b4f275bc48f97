//===- GenerateKernels.h - one kernel for each distinct op ------*- C++ -*-===//
//
// What the targets' passes share: what they ask of ops, telling ops apart, naming kernels,
// replacing ops by dispatches.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialect/Decoder.h"

namespace strata {

/// An error at an op that is on tensors, or that has no workspace though its kernel wants one.
mlir::LogicalResult verifyPlanned(mlir::Operation *op, bool wantsWorkspace, llvm::StringRef target);

/// An error at an op with a row of bf16, or a head in the cache, whose features are no multiple of
/// what the target's kernels load at once.
mlir::LogicalResult verifyFeatures(mlir::Operation *op, int64_t multiple, llvm::StringRef target);

/// What a target made of one op.
struct GeneratedKernel {
  Axis axis;
  llvm::SmallVector<mlir::Attribute> variants; ///< #decoder.variant
};

/// Emits the functions of an op's kernel, their symbols beginning with `name`; errors are emitted.
using GenerateKernel =
    llvm::function_ref<mlir::FailureOr<GeneratedKernel>(mlir::Operation *op, llvm::StringRef name)>;

/// Replaces every kernel op of @forward by a dispatch. Ops that differ only in layer, buffers or
/// location share a decoder.kernel, for which `generate` is called once.
mlir::LogicalResult generateKernels(mlir::ModuleOp module, GenerateKernel generate);

} // namespace strata
