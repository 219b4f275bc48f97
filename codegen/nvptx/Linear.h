//===- Linear.h - linear and logits on a GPU --------------------*- C++ -*-===//
//
// The frame is that of the CPU (codegen/cpu/Linear.h): a first phase prepares the rows where there
// is a norm or a gather; the main phase leaves f32 results of a block's tokens and weight rows in a
// tile in shared memory, tile[token][row]; the epilogue applies the clauses and writes it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/LinearSpec.h"
#include "codegen/nvptx/Kernels.h"

namespace strata::nvptx {

/// Rows of the product: tokens, or the output rows of logits.
Value productRows(const LinearSpec &spec, const KernelArguments &args);

/// Whether the first phase writes the rows that are multiplied into the workspace.
bool prepares(const LinearSpec &spec);

/// The rows that are multiplied, as pairs [rows, pairs]: workspace or input.
Value preparedPairs(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

/// A block's share of the product. Tile row t is product row firstToken + t, tile column r is row
/// firstRow + r of the part; `stride` is the tile's columns.
struct Tile {
  Value values; ///< shared f32 [.., stride]
  int64_t stride;
  Value firstToken, tokens, firstRow, rows;
};

/// The part and row of a block's first weight row, for blocks that share `rowsPerBlock` rows each,
/// part by part. `weight` holds all rows of that part, as pairs [rows, pairs].
struct BlockPart {
  Value part;     ///< index
  Value firstRow; ///< in the part
  Value rows;     ///< of the part
  Value weight;
};
BlockPart selectPart(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                     Value rowBlock, int64_t rowsPerBlock);

/// Blocks that the parts take, `rowsPerBlock` rows each.
int64_t rowBlocks(const LinearSpec &spec, int64_t rowsPerBlock);

/// Applies the clauses of the part to the tile and writes it. Starts with a barrier.
void emitEpilogue(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, Value part,
                  const Tile &tile);

/// LayerNorm1P, or a mere gather, of one row a block into the workspace.
PhaseSpec describeRows(const LinearSpec &spec);
/// Few tokens: `form` is an index into kDecodeRows.
PhaseSpec describeDecode(const LinearSpec &spec, int64_t form);
/// Many tokens, on tensor cores.
PhaseSpec describePrefill(const LinearSpec &spec);

} // namespace strata::nvptx
