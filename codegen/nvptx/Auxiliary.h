//===- Auxiliary.h - kernels that belong to no op ---------------*- C++ -*-===//
//
// What strata-bench measures a GPU's limits with, what fills its memory with random weights, and
// what draws tokens. Their parameters are described in runtime/package/Package.fbs
// (Role).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/EmitPackage.h"
#include <optional>

namespace strata::nvptx {

/// Adds their functions to the module @cuda; sample only for a model that has logits, whose
/// `vocabulary` it is made for.
void emitAuxiliaryKernels(mlir::ModuleOp cudaModule, std::optional<int64_t> vocabulary);

/// What the package says of those that the module has.
std::vector<PackageAuxiliary> listAuxiliaryKernels(mlir::ModuleOp cudaModule);

} // namespace strata::nvptx
