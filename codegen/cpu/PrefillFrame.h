//===- PrefillFrame.h - what all products of many tokens share --*- C++ -*-===//
//
// Activations are packed in blocks of tokens, so that a vector holds neighbouring tokens; a block
// is multiplied with the rows of a unit, a register tile at a time. The products, [row][token], are
// transposed into the tile of the epilogue.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/Linear.h"

namespace strata::cpu {

/// Tokens of a block of packed activations: `most`, or as few whole vectors as all rows fit in.
Value blockTokens(KernelBuilder &b, Value rows, int64_t most);

/// Rows [firstRow, endRow) of a weight and `tokens` tokens of block `block`, which has room for
/// `width`; products[row - firstRow][token] in f32.
struct PrefillBlock {
  Value block, firstRow, endRow, tokens, width, products;

  /// Rows that `products` has room for.
  int64_t height() const;
  /// As arguments of a function that kernels share, and back.
  Values arguments() const { return {block, firstRow, endRow, tokens, width, products}; }
  static PrefillBlock fromArguments(ValueRange values) {
    return {values[0], values[1], values[2], values[3], values[4], values[5]};
  }
};

/// multiply(part, block) for all rows in workgroups [begin, end) and all tokens, `packTokens` a
/// block, and the epilogue of each.
void forEachPrefillBlock(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, int64_t packTokens,
    llvm::function_ref<void(const LinearSpec::Part &, const PrefillBlock &)> multiply);

/// What a workgroup packs: vectors [begin, end) of each row of a group of kPackVector.
struct PackShare {
  Value group, begin, end;
};
/// body(share) for workgroups [begin, end) of a packing phase, kPackShares a group. Rows have
/// `columns` elements, lanes() a vector.
void forEachPackShare(KernelBuilder &b, const KernelArguments &args, int64_t columns,
                      llvm::function_ref<void(const PackShare &)> body);

/// Buffers: a weight and the prepared input.
struct RowFactors {
  Value weight, input;
};
/// Products of one block, by the function KIND_… that all linears of this shape share.
void callSharedProduct(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
    const LinearSpec::Part &part, const PrefillBlock &block, llvm::StringRef kind,
    llvm::function_ref<void(KernelBuilder &, const RowFactors &, const PrefillBlock &)> multiply);

/// "_768_1024", "_apart_6144": what names of functions that kernels share say of a weight's box.
std::string boxName(BoxAttr box);

/// Rows and tokens from (row, token) on: `tile.rows` x `width` vectors.
struct TilePlace {
  Value row, token;
  int64_t width;
  RegisterTile tile;
};

/// body(place) for tiles that cover the block. `tiles` has the shapes for 1, 2, … vectors of
/// tokens, the last for many.
void forEachRegisterTile(KernelBuilder &b, const PrefillBlock &block,
                         llvm::ArrayRef<RegisterTile> tiles,
                         llvm::function_ref<void(const TilePlace &)> body);

/// Puts the sums of a tile, [row][vector], into the block's products, or adds them.
void storeProducts(KernelBuilder &b, const PrefillBlock &block, const TilePlace &place,
                   ValueRange sums, bool added = false);
/// Zeros, for sums to be added.
void clearProducts(KernelBuilder &b, const PrefillBlock &block);

} // namespace strata::cpu
