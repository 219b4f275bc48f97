//===- GenerateKernels.h - one kernel for each distinct op ------*- C++ -*-===//
//
// What the targets' passes share: telling ops apart, naming kernels, replacing ops by dispatches.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialect/Decoder.h"

namespace strata {

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
