//===- Linear.h - linear and logits on a CPU --------------------*- C++ -*-===//
//
// Both regimes have the same frame: a prologue prepares the input rows (norm, gather, packing); the
// main phase multiplies and leaves f32 results of one unit of weight rows in a tile on the stack,
// tile[token][row]; the epilogue applies the clauses to the tile and writes it.
//
// A unit is kUnitRows rows of one weight, or a whole head where rope needs one. Threads take
// contiguous ranges of units, so each streams its own part of the weights front to back.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/Cache.h"
#include "codegen/cpu/Norm.h"
#include <optional>

namespace strata::cpu {

/// A linear or logits op, as its kernels need it. Numbers are positions among the buffers.
struct LinearSpec {
  enum class Sink { Result, Logits, Key, Value };
  struct Part {
    int64_t rows;
    unsigned weight, result; ///< result: for Sink::Result and Logits
    Sink sink;
    bool roped;
  };

  int64_t inFeatures;
  unsigned input;
  llvm::SmallVector<Part> parts;
  std::optional<unsigned> gamma, beta, residual, rotary, outputRows, workspace;
  double eps = 0;
  bool squaredRelu = false;
  int64_t rotaryDims = 0, headDim = 0;
  std::optional<CacheBuffers> cache;

  int64_t pairs() const { return inFeatures / 2; }
  int64_t unitRows() const;
  int64_t units(const Part &part) const { return (part.rows + unitRows() - 1) / unitRows(); }
  /// Rows of the input that are multiplied: tokens, or the output rows of logits.
  Axis axis() const { return outputRows ? Axis::Outputs : Axis::Tokens; }
  Value rows(const KernelArguments &args) const {
    return outputRows ? args.outputRows : args.tokens;
  }
  /// The input as pairs [tokens, pairs()].
  Value inputPairs(KernelBuilder &b, const KernelArguments &args) const;
  /// The input row that row `row` of the product comes from.
  Value inputRow(KernelBuilder &b, const KernelArguments &args, Value row) const;
  std::optional<NormParameters> norm(KernelBuilder &b, const KernelArguments &args) const;
  /// Weight of a part as pairs [rows, pairs()].
  Value weightPairs(KernelBuilder &b, const KernelArguments &args, const Part &part) const;
};

/// body(part, first row, end row) for the rows of each part in workgroups [begin, end).
void forEachPart(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                 llvm::function_ref<void(const LinearSpec::Part &, Value, Value)> body);

/// Applies the clauses to tile[0..tokens][0..rows] (f32) and writes it. Tile row t is product row
/// firstToken + t, tile column r is weight row firstRow + r.
struct Tile {
  Value values;
  Value firstToken, tokens, firstRow, rows;
};
void emitEpilogue(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                  const LinearSpec::Part &part, const Tile &tile);

/// Rotates the first `dims` of head_dim features at row `row` of `features`, f32, in place.
void emitRope(KernelBuilder &b, Value features, Value row, Value table, Value token, int64_t dims);

// The phases.
void emitNormalizeRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitDecode(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitPack(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitPrefill(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

} // namespace strata::cpu
