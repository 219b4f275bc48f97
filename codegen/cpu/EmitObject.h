//===- EmitObject.h - a level's module to an ELF shared object --*- C++ -*-===//
#pragma once

#include "codegen/cpu/Level.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>

namespace strata::cpu {

/// Translates, optimizes, assembles and links a module of the llvm dialect into a shared object.
/// What it does not define is an error, or, with `mayImport`, left to whoever loads it. Thread-safe
/// for different modules, each translated in an LLVM context of its own; the linking is serialized.
llvm::Expected<std::string> emitSharedObject(mlir::ModuleOp module, const Level &level,
                                             bool mayImport);

} // namespace strata::cpu
