//===- Auxiliary.h - kernels that no step runs ------------------*- C++ -*-===//
//
// What strata-bench measures a GPU's limits with, and what fills its memory with random weights.
// The same in every program; their parameters are described in runtime/Package.fbs (Role).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/EmitPackage.h"

namespace strata::nvptx {

/// Adds their functions to the module @cuda.
void emitAuxiliaryKernels(mlir::ModuleOp cudaModule);

/// What the package says of them.
std::vector<PackageAuxiliary> listAuxiliaryKernels();

} // namespace strata::nvptx
