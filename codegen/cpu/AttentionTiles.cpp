//===- AttentionTiles.cpp - products of attention by tiles ----------------===//
//
// Keys and values lie in a page as pairs of features and of tokens, which are tiles as they are. A
// tile of queries or weights, 16 rows of them, is multiplied with several beside each other.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/AttentionTiles.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

bool strata::cpu::attendsByTiles(const Level &level, int64_t headDim) {
  return level.matrixTiles != Tiles::None && headDim % (2 * kTileRows) == 0;
}

/// Sums of a tile of rows and `width` tiles of columns from (row, column) on.
static void emitSums(KernelBuilder &b, const TileProduct &product, Value row, Value column,
                     int width) {
  int left = width, right = width + 1; // registers behind those of the sums
  auto at = [&](int n) { return Values{row, b.add(column, n * kTileRows)}; };
  for (int n = 0; n != width; ++n)
    product.added ? b.loadTile(n, product.sums, at(n)) : b.clearTile(n);
  b.loop(b.index(0), b.index(product.depth), kTileRows, [&](Value k) {
    b.loadTile(left, product.left, {row, k});
    for (int n = 0; n != width; ++n) {
      int other = right + n % (kTileCount - right);
      b.loadTile(other, product.right, {k, b.add(column, n * kTileRows)});
      b.addTileProducts(n, left, other);
    }
  });
  for (int n = 0; n != width; ++n)
    b.storeTile(n, product.sums, at(n));
}

void strata::cpu::emitTileProduct(KernelBuilder &b, const TileProduct &product) {
  int64_t tiles = product.columns / kTileRows;
  int width = tiles % 4 == 0 ? 4 : tiles % 2 == 0 ? 2 : 1;
  b.loop(b.index(0), product.rows, kTileRows, [&](Value row) {
    b.loop(b.index(0), b.index(product.columns), width * kTileRows,
           [&](Value column) { emitSums(b, product, row, column, width); });
  });
}

void strata::cpu::copyRows(KernelBuilder &b, Value from, Value to, Value count) {
  ArrayRef<int64_t> shape = cast<MemRefType>(to.getType()).getShape();
  auto fill = [&](Value begin, Value end, llvm::function_ref<Value(Value, Value, int64_t)> value) {
    b.loop(begin, end, 1, [&](Value row) {
      b.vectors(shape[1], [&](Value i, int64_t lanes) {
        b.store(value(row, i, lanes), to, {row, i});
      });
    });
  };
  fill(b.index(0), count, [&](Value row, Value i, int64_t lanes) {
    return b.load(from, {row, i}, lanes);
  });
  fill(count, b.index(shape[0]), [&](Value, Value, int64_t lanes) { return b.i32(0, lanes); });
}
