//===- LinearBlocksDecode.h - decode forms of weights in blocks -*- C++ -*-===//
//
// A warp streams stretches of its weight rows through a ring of its own in shared memory; the first
// ones are asked for before the prologue, which does not need them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/nvptx/LinearDecode.h"
#include "codegen/nvptx/RawRows.h"

namespace strata::nvptx {

/// A warp's ring: `rows` weight rows from column `firstColumn` of the tile on, turn by turn.
class RawRing {
public:
  RawRing(KernelBuilder &b, const DecodeBlock &block, const RawStretches &stretches, int64_t rows,
          int64_t stages, Value firstColumn);
  /// Of all warps of a block.
  static int64_t bytes(const RawStretches &stretches, int64_t rows, int64_t stages) {
    return kThreads / kWarp * stages * rows * stretches.slotBytes();
  }

  /// Starts the copies of a stretch, if there is such a one; a group, in any case.
  void copy(Value turn, Value stretch);
  /// Waits until those of turn `turn` are here, before which `stages` - 1 were started, and starts
  /// those of a later one in the place of the turn before.
  void advance(Value turn, Value aheadStretch);
  /// Piece `piece` of a stretch of the warp's row `row`.
  Piece load(Value turn, Value stretch, Value row, Value piece);

  const RawStretches stretches;
  Value memory; ///< an array of i8

private:
  Value rowOf(Value i) { return block.weightRow(b, b.add(firstColumn, i)); }
  Value stage(Value turn) {
    return b.add(first, b.mul(b.rem(turn, stages), rows * stretches.slotBytes()));
  }

  KernelBuilder &b;
  const DecodeBlock &block;
  const int64_t rows, stages;
  Value firstColumn, first;
};

/// The tile of a block with weights of one format; `begin` before the prologue, `finish` behind it.
struct BlocksProducts {
  std::function<void()> begin;
  std::function<void(const InputRows &)> finish;
};
BlocksProducts blocksVectorProducts(KernelBuilder &b, const DecodeBlock &block,
                                    QuantizedFormat format);
BlocksProducts blocksTensorProducts(KernelBuilder &b, const DecodeBlock &block,
                                    QuantizedFormat format);

/// Bytes of shared memory that the rings of a block take.
int64_t vectorRingBytes(const LinearSpec &spec, const DecodeForm &form, QuantizedFormat format);
int64_t tensorRingBytes(const LinearSpec &spec, const DecodeForm &form, QuantizedFormat format);

} // namespace strata::nvptx
