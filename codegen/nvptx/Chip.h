//===- Chip.h - the GPUs that kernels are made for --------------*- C++ -*-===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace strata::nvptx {

/// GPUs that share the forms of their kernels, and so a program of the package. Each has what its
/// predecessors have.
enum class ChipFamily {
  Sm80, ///< mma.sync and cp.async; runs on every later GPU as PTX
  Sm90  ///< wgmma and TMA
};

/// What --arch names.
struct Chip {
  llvm::StringLiteral name;
  ChipFamily family;
  bool simulated; ///< code for the simulated GPU
};

/// All of them.
llvm::ArrayRef<Chip> chips();
/// Null if there is none of that name.
const Chip *findChip(llvm::StringRef name);
/// The first one of a family, a real one: what its PTX is for.
const Chip &firstChip(ChipFamily family);

} // namespace strata::nvptx
