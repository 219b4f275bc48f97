//===- AttentionTiles.h - products of attention by tiles --------*- C++ -*-===//
#pragma once

#include "codegen/cpu/KernelBuilder.h"

namespace strata::cpu {

/// Whether heads of so many features are whole tiles, and the level has those.
bool attendsByTiles(const Level &level, int64_t headDim);

/// sums[row][column] = or, `added`, += the products of pairs left[row][k] and right[k][column].
/// The left one has whole tiles of rows, of which `rows` matter; columns and k are whole tiles.
struct TileProduct {
  Value left, right; ///< pairs, as i32
  Value sums;        ///< f32
  Value rows;
  int64_t columns, depth; ///< elements of a row of sums; pairs of a row of left
  bool added;
};
void emitTileProduct(KernelBuilder &b, const TileProduct &product);

/// The first `count` rows of `from` in `to`, and zeros behind them; both are arrays of i32.
void copyRows(KernelBuilder &b, Value from, Value to, Value count);

} // namespace strata::cpu
