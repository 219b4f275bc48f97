//===- Level.h - the kinds of x86-64 machine we emit for --------*- C++ -*-===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace strata::cpu {

/// One kind of x86-64 machine: a package holds machine code for several, and the runtime takes the
/// first whose `required` features cpuid reports.
struct Level {
  llvm::StringLiteral name;         ///< as `--cpu` and the package spell it
  llvm::StringLiteral moduleName;   ///< symbol of the nested module that holds its kernels
  llvm::StringLiteral llvmCpu;      ///< LLVM's name
  llvm::StringLiteral llvmFeatures; ///< beyond llvmCpu
  llvm::ArrayRef<llvm::StringLiteral> required; ///< as runtime/cpu/CpuFeatures names them
  int64_t lanes;                                ///< f32 elements of a vector
  bool bf16Dot;                                 ///< has vdpbf16ps
  /// Register tiles of the matrix product: [v - 1] rows of W for v vectors of tokens. The last is
  /// the tile of many tokens; narrower ones are taller, so that enough products are independent.
  llvm::ArrayRef<int64_t> tileRows;

  int64_t tileVectors() const { return tileRows.size(); }
};

/// Best first.
llvm::ArrayRef<Level> levels();

/// The level of that name, or null.
const Level *findLevel(llvm::StringRef name);

} // namespace strata::cpu
