//===- EmitObject.h - a level's module to an ELF shared object --*- C++ -*-===//
#pragma once

#include "codegen/cpu/Level.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>

namespace strata::cpu {

/// Machine code of one level.
struct Object {
  const Level *level;
  std::string elf; ///< a shared object that imports nothing
};

/// Translates, optimizes, assembles and links the module of one level (llvm dialect, entries
/// emitted). Thread-safe for different modules, each translated in an LLVM context of its own; the
/// linking is serialized.
llvm::Expected<Object> emitObject(mlir::ModuleOp levelModule, const Level &level);

/// The same for any module of the llvm dialect. What it does not define is an error, or, with
/// `mayImport`, left to whoever loads it.
llvm::Expected<std::string> emitSharedObject(mlir::ModuleOp module, const Level &level,
                                             bool mayImport);

} // namespace strata::cpu
