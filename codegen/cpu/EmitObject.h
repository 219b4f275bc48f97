//===- EmitObject.h - the levels' modules to ELF shared objects -*- C++ -*-===//
#pragma once

#include "codegen/cpu/Level.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace strata::cpu {

/// A module of the llvm dialect, and what machines it is for.
struct LevelModule {
  mlir::ModuleOp module;
  const Level *level;
};

/// Translates, optimizes, assembles and links each module into a shared object. Kernels are
/// compiled side by side, and those that several levels have, once. What a module does not define
/// is an error, or, with `mayImport`, left to whoever loads it. Thread-safe for different modules,
/// each translated in an LLVM context of its own; the linking is serialized.
llvm::Expected<std::vector<std::string>> emitSharedObjects(llvm::ArrayRef<LevelModule> modules,
                                                           bool mayImport);

} // namespace strata::cpu
