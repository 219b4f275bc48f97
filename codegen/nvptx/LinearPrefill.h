//===- LinearPrefill.h - a block's products of many tokens ------*- C++ -*-===//
//
// What the forms on mma.sync have in common, whatever the weights: see LinearPrefill.cpp.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/nvptx/Linear.h"

namespace strata::nvptx {

/// bf16 features of a 16-byte chunk, and chunks of a tile's row.
inline constexpr int64_t kChunk = 8, kRowChunks = kTileFeatures / kChunk;

/// Bytes of the ring of tokens, at the beginning of shared memory.
inline constexpr int64_t kTokenRingBytes = 2 * kStages * kTileTokens * kTileFeatures;

struct PrefillForm {
  explicit PrefillForm(const LinearSpec &spec);
  int64_t usedRows; ///< weight rows of a block
  int64_t tileRows; ///< the same, rounded up to what the warps take

  /// Of the results in f32, which take the place of what was multiplied.
  int64_t tileBytes() const { return 4 * kTileTokens * tileRows; }
};

/// One operand's part of the ring and where it comes from.
struct Operand {
  Value shared; ///< bf16 [kStages, rows, kTileFeatures]
  Value global; ///< pairs [count, features / 2]
  int64_t rows; ///< of the tile
  Value first, count;
  std::function<Value(Value)> stored; ///< where a row lies in `global`
};

/// What a block multiplies.
struct PrefillBlock {
  PrefillBlock(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
               const PrefillForm &form);

  const KernelArguments &args;
  const LinearSpec &spec;
  const PrefillForm &form;
  Value firstToken, rows; ///< of the product: the tile's first, and how many there are
  BlockPart part;
  Operand tokens;
  Value warpToken, warpRow; ///< where the warp's share of the tile begins

  /// Weight rows of a warp.
  int64_t columns() const { return form.tileRows / 2; }
  /// A warp's accumulators, [2 pieces of 16 tokens][columns / 8][4].
  Values zeros(KernelBuilder &b) const { return Values(columns(), b.f32(0)); }
  /// Accumulators into the tile; all threads of the block.
  void store(KernelBuilder &b, ValueRange acc) const;
  /// The epilogue.
  void finish(KernelBuilder &b) const;
};

/// Where chunk `chunk` of row `row` lies in a tile's row, in elements.
Value swizzled(KernelBuilder &b, Value row, Value chunk);

/// Starts the copies of features [feature, feature + kTileFeatures) into a stage.
void copyOperand(KernelBuilder &b, const Operand &operand, Value stage, Value feature,
                 int64_t features);

/// Adds a stage of the tokens times one of `weights`, bf16 [stages, tileRows, kTileFeatures], to
/// a warp's accumulators.
Values multiplyStage(KernelBuilder &b, const PrefillBlock &block, Value stage, Value weights,
                     Value weightStage, Values acc);

} // namespace strata::nvptx
