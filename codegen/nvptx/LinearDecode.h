//===- LinearDecode.h - a block's products in the decode forms --*- C++ -*-===//
//
// Both forms read each weight once, 16 bytes a lane, and ask for the next ones before they multiply
// those that have come: the first ones even before the prologue, which does not need them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/nvptx/Linear.h"

namespace strata::nvptx {

struct DecodeBlock {
  const KernelArguments &args;
  const LinearSpec &spec;
  const DecodeForm &form;
  BlockPart part;

  /// The stored row of the weight in a column of the tile. Columns beyond the part repeat its last
  /// row.
  Value weightRow(KernelBuilder &b, Value column) const;
  /// The 16 bytes of a weight's row from `pair` on; beyond its end, its last 16.
  Value loadWeight(KernelBuilder &b, Value row, Value pair) const;
  /// stageRows behind the tile.
  InputRows stage(KernelBuilder &b) const;
};

/// Bytes of the tile in shared memory, at the beginning; while the products are made it may hold
/// other things.
int64_t decodeTileBytes(const DecodeForm &form);

/// The tile: shared f32 [form.tokens, form.unitRows]. Other threads' parts of it are there after
/// the next barrier.
Value emitVectorProducts(KernelBuilder &b, const DecodeBlock &block);
Value emitTensorProducts(KernelBuilder &b, const DecodeBlock &block);

/// The tile, of accumulators of mma that every warp has for other features, [16 rows][8 tokens][4]:
/// each warp's in a tile of its own, added into the first one in order.
Value sumWarpTiles(KernelBuilder &b, const DecodeForm &form, ValueRange acc);

} // namespace strata::nvptx
