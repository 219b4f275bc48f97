//===- Linear.h - linear and logits on a CPU --------------------*- C++ -*-===//
//
// All forms have the same frame: a prologue prepares the input rows (norm, gather, packing); the
// main phase multiplies and leaves f32 results of one unit of weight rows in a tile on the stack,
// tile[token][row]; the epilogue applies the clauses to the tile and writes it.
//
// A unit is kUnitRows rows of one weight, or a whole head where rope needs one. Threads take
// contiguous ranges of units, so each streams its own part of the weights front to back.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Epilogue.h"
#include "codegen/cpu/Cache.h"
#include "codegen/cpu/Norm.h"

namespace strata::cpu {

/// Rows of a unit.
int64_t unitRows(const LinearSpec &spec);

/// The input [tokens] in pairs: see KernelBuilder::viewPairs().
Value inputPairs(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

/// The input row that row `row` of the product comes from.
Value inputRow(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, Value row);

std::optional<NormParameters> normOf(KernelBuilder &b, const KernelArguments &args,
                                     const LinearSpec &spec);

/// A buffer of `rows` stored rows of a weight: as pairs [rows, pairs] if it is in pairs of bf16,
/// which the dot product takes as they are, else as numbers that are multiplied in f32. What lies
/// between the ends of rows and the next belongs to rows of this array, too.
Value weightRows(KernelBuilder &b, Value buffer, const LinearSpec &spec,
                 const LinearSpec::Part &part, Value rows);

/// Asks for `count` elements of a weight of `columns`, beginning with the `from`-th behind the
/// start of `row`; those of the row after it come next.
void prefetchRows(KernelBuilder &b, Value weight, int64_t columns, Value row, Value from,
                  int64_t count);

/// body(part, first row, end row) for the rows of each part in workgroups [begin, end).
void forEachPart(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                 llvm::function_ref<void(const LinearSpec::Part &, Value, Value)> body);

/// Rows [firstRow, endRow) of a unit and the tokens of the step, whose number is known; products go
/// to values[token][row - firstRow], f32.
struct DecodeUnit {
  Value firstRow, endRow, values;
  int64_t tokens;
};
/// multiply(part, unit) for all units in workgroups [begin, end) and the epilogue of each, for
/// steps of up to `most` tokens.
void forEachDecodeUnit(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, int64_t most,
    llvm::function_ref<void(const LinearSpec::Part &, const DecodeUnit &)> multiply);

/// Rows [firstRow, endRow) of a unit and `most` tokens from `firstToken` on, of which some may lie
/// beyond the step; products go to values[token - firstToken][row - firstRow], f32.
struct TokenGroup {
  Value firstRow, endRow, firstToken, values;
};
/// multiply(part, group) for all units in workgroups [begin, end) and all tokens, `most` at a time,
/// and the epilogue of each.
void forEachTokenGroup(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, int64_t most,
    llvm::function_ref<void(const LinearSpec::Part &, const TokenGroup &)> multiply);

/// A tile's values, f32 on the stack. It has the same shape in all forms, with room for what whole
/// vectors of rows and tokens write beyond a unit: so one epilogue serves them.
Value stackTile(KernelBuilder &b, const LinearSpec &spec);

/// values[0..tokens][0..rows]: row t is product row firstToken + t, column r is weight row
/// firstRow + r.
struct Tile {
  Value values;
  Value firstToken, tokens, firstRow, rows;

  Values arguments() const { return {values, firstToken, tokens, firstRow, rows}; }
  static Tile fromArguments(ValueRange values) {
    return {values[0], values[1], values[2], values[3], values[4]};
  }
};
/// Applies the clauses to a tile and writes it, by a function that the kernel's forms share.
void emitEpilogue(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                  const LinearSpec::Part &part, const Tile &tile);

/// Rotates the first `dims` of head_dim features at row `row` of `features`, f32, in place.
void emitRope(KernelBuilder &b, Value features, Value row, Value table, Value token, int64_t dims);

/// Writes a phase of a product.
using EmitPhase = void(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

/// A phase that prepares the input, by a function that products share.
EmitBody sharedInputPhase(llvm::StringRef phase, const LinearSpec &product, EmitPhase *emit);

// The phases.
void emitRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitDecode(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitGroupRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitGroups(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitFewRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitFew(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitPack(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitPrefill(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitPackTiles(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitTiles(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitStreamedTiles(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitFewTiles(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

/// The packed input of tiles: [blocks of kTileRows tokens][pairs][kTileRows], where what tiles have
/// beyond the last pair is 0.
Value tileView(KernelBuilder &b, Value buffer, const LinearSpec &spec);

} // namespace strata::cpu
