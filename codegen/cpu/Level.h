//===- Level.h - the kinds of x86-64 machine we emit for --------*- C++ -*-===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace strata::cpu {

/// Rows of a weight that are multiplied at a time, with `accumulators` independent sums for each
/// row and vector of tokens: enough sums to hide the latency of a dot product, and few rows, since
/// rows of a power of two bytes fall into the same set of the first-level cache.
struct RegisterTile {
  int64_t rows, accumulators;
};

/// Rows of a weight that are multiplied with few tokens at a time, with `accumulators` independent
/// sums for each row and token. Where several tokens' rows of the input are too much for the
/// first-level cache, the rows of a unit or two take at least so many features before the next.
struct RowTile : RegisterTile {
  int64_t leastFeatures;
};

/// AMX's registers that hold tiles of matrices, and its products of two of them.
enum class Tiles {
  None,
  Instructions,
  Emulated ///< the same products bit by bit with vectors: tests run them on any such machine
};

/// One kind of x86-64 machine: a package holds machine code for several, and the runtime takes the
/// first whose `required` features cpuid reports.
struct Level {
  llvm::StringLiteral name;         ///< as `--cpu` and the package spell it
  llvm::StringLiteral moduleName;   ///< symbol of the nested module that holds its kernels
  llvm::StringLiteral llvmCpu;      ///< LLVM's name
  llvm::StringLiteral llvmFeatures; ///< beyond llvmCpu
  llvm::StringLiteral tileFeatures; ///< beyond those, where code uses AMX's tiles: ",+amx-tile"
  llvm::ArrayRef<llvm::StringLiteral> required; ///< as runtime/cpu/CpuFeatures names them
  int64_t lanes;                                ///< f32 elements of a vector
  bool bf16Dot;                                 ///< has vdpbf16ps
  bool int8Dot;                                 ///< has vpdpbusd
  Tiles matrixTiles;                            ///< of bf16
  /// Register tiles of the matrix product: the v-th for v + 1 vectors of tokens, the last for many.
  llvm::ArrayRef<RegisterTile> tiles;
  /// The t-th for t + 1 tokens. With more tokens, `tiles` are faster.
  llvm::ArrayRef<RowTile> rowTiles;
  int64_t attentionRows; ///< most rows that share the loads of keys and values: registers for their
                         ///< sums
  llvm::ArrayRef<RegisterTile> int8Tiles; ///< as `tiles`, for weights of i8
  int prefetchCache;                      ///< the cache, 1 or 2, that prefetches fill

  int64_t tileVectors() const { return tiles.size(); }
};

/// Those of real machines, best first.
llvm::ArrayRef<Level> levels();

/// The level of that name, real or emulated, or null.
const Level *findLevel(llvm::StringRef name);

} // namespace strata::cpu
