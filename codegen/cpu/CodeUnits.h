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

/// Parts a module into the functions that know of one another: a kernel's entry with
/// its body, and with it all kernels that call the same internal function. In the order of the
/// module. What the same kernels of two modules become is the same, byte for byte.
std::vector<CodeUnit> splitIntoUnits(const llvm::Module &module);

} // namespace strata::cpu
