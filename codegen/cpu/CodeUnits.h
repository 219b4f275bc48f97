//===- CodeUnits.h - what of a module is compiled by itself -----*- C++ -*-===//
#pragma once

#include "llvm/IR/Module.h"
#include <string>
#include <vector>

namespace strata::cpu {

/// Functions that are compiled together.
struct CodeUnit {
  std::string bitcode;
  bool usesTiles; ///< has instructions of AMX
};

/// Parts a module into functions, each with what is internal and named by it: a kernel's entry with
/// its body, a function that kernels share. In the order of the module. What the same functions of
/// two modules become is the same, byte for byte.
std::vector<CodeUnit> splitIntoUnits(const llvm::Module &module);

} // namespace strata::cpu
