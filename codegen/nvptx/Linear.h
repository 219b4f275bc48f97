//===- Linear.h - linear and logits on a GPU --------------------*- C++ -*-===//
//
// The main phase leaves f32 results of a block's tokens and weight rows in a tile in shared memory,
// tile[token][column]; the epilogue applies the clauses and writes it. A norm is a launch of its
// own before it, or where it fits the main phase's prologue (LinearRows.cpp).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Epilogue.h"
#include "codegen/nvptx/OpKernels.h"
#include "codegen/nvptx/Schedule.h"

namespace strata::nvptx {

/// Pairs of a 16-byte load.
inline constexpr int64_t kLoadPairs = 4;

//===----------------------------------------------------------------------===//
// The rows that are multiplied
//===----------------------------------------------------------------------===//

/// Whether a launch of its own writes them into the workspace.
bool prefillPrepares(const LinearSpec &spec);
bool decodePrepares(const LinearSpec &spec, const DecodeForm &form);

/// Whether rows of the input or of a weight are no whole loads of 16 bytes.
bool isNarrow(const LinearSpec &spec);
/// Whether the weights, then all of them, are in blocks (QuantizedRows.h).
bool isInBlocks(const LinearSpec &spec);

/// LayerNorm1P, or a mere gather, of one row a block into the workspace: that launch.
PhaseSpec describePreparation(const LinearSpec &spec);

/// The rows of the prefill form, as pairs [rows, pairs]: workspace or input.
Value preparedPairs(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

/// Row t of the product is row at(t) of `pairs`; any t below the form's tokens is good.
struct InputRows {
  Value pairs; ///< [.., pairs], shared or global memory
  std::function<Value(Value)> at;
};

/// The rows of a decode form: normalized by the block into shared memory from `sharedOffset` on,
/// or where they are. All threads of the block, before any of them reads a row.
InputRows stageRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                    const DecodeForm &form, int64_t sharedOffset);
/// Bytes of shared memory that it takes.
int64_t stagedBytes(const LinearSpec &spec, const DecodeForm &form);

//===----------------------------------------------------------------------===//
// The weight rows of a block
//===----------------------------------------------------------------------===//

/// In which order a part's rows are dealt to blocks.
enum class RowOrder {
  Plain,
  /// The two rows that rope turns together come one after the other, so that blocks need not hold
  /// whole heads.
  Paired
};

/// The part and the first row of a block, for blocks that share `rowsPerBlock` rows each, part by
/// part. `weight` holds all rows of that part, as pairs [rows, at least pairs]; of a narrow
/// product, as numbers [rows, at least features]; in blocks, as bytes, an array of i8.
struct BlockPart {
  Value index;    ///< of the part
  Value firstRow; ///< in the part, in its order
  Value rows;     ///< of the part
  Value weight;
};
BlockPart selectPart(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                     Value rowBlock, int64_t rowsPerBlock);

/// Where row `row` of part `part` of a block is stored, in rows from the weight's first.
Value storedRowOf(KernelBuilder &b, const LinearSpec &spec, Value part, Value row);

/// Pairs of a weight as the tensor cores take them, bf16: themselves, or two terms of f16.
llvm::SmallVector<Values> termsOf(KernelBuilder &b, const LinearSpec &spec, ValueRange pairs);

/// Whether the weights, which are all of one type, are f16; else they are bf16.
bool isF16(const LinearSpec &spec);

/// Blocks that the parts take, `rowsPerBlock` rows each.
int64_t rowBlocks(const LinearSpec &spec, int64_t rowsPerBlock);

/// The order of the decode forms.
RowOrder decodeOrder(const LinearSpec &spec);

/// The row of the part that is number `position` in its order.
Value rowAt(KernelBuilder &b, const LinearSpec &spec, RowOrder order, Value position);

//===----------------------------------------------------------------------===//
// The result
//===----------------------------------------------------------------------===//

/// A block's share of the product. Tile row t is product row firstToken + t, tile column c is row
/// firstRow + c of the part in its order; `stride` is the tile's columns. In plain order a roped
/// part's tile starts and ends at whole heads.
struct Tile {
  Value values; ///< shared f32 [.., stride]
  int64_t stride;
  Value firstToken, tokens, firstRow, rows;
  RowOrder order = RowOrder::Plain;
};

/// Applies the clauses of the part to the tile and writes it. Starts with a barrier.
void emitEpilogue(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, Value part,
                  const Tile &tile);

/// As many tokens as the form takes.
PhaseSpec describeDecode(const LinearSpec &spec, const DecodeForm &form);
/// Many tokens, on tensor cores: mma.sync.
PhaseSpec describePrefill(const LinearSpec &spec);
/// The same with wgmma, where the weights are plain bf16 and their rows that have to stay together
/// not too many for it.
PhaseSpec describePrefillSm90(const LinearSpec &spec);
bool fitsPrefillSm90(const LinearSpec &spec);
/// The same two for weights in blocks.
PhaseSpec describeBlocksDecode(const LinearSpec &spec, const DecodeForm &form);
PhaseSpec describeBlocksPrefill(const LinearSpec &spec);
/// Any number of tokens, where isNarrow().
PhaseSpec describeNarrow(const LinearSpec &spec);
/// The body of describePreparation() for it.
void emitNarrowRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

} // namespace strata::nvptx
