//===- ProductStrategy.h - how a kind of weight is multiplied ---*- C++ -*-===//
//
// What linear and logits are made of, for one way of storing weights and one of rounding the input.
// A new format is a row of the table, and the phases that it names.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/Linear.h"

namespace strata::cpu {

/// The phases of a product, each for the whole op: see Linear.h.
struct ProductStrategy {
  /// Whether these weights and this input are multiplied so.
  bool (*takes)(const LinearSpec &spec);
  /// Bytes of workspace for each token: the input as the phases prepare it.
  int64_t (*workspaceBytes)(int64_t features);
  /// Up to so many rows run in the decode form.
  int64_t decodeRows;
  /// Whether that form has a phase before it, emitRows, which prepares rows of the input.
  bool (*preparesRows)(const LinearSpec &spec);
  EmitPhase *emitRows, *emitDecode;
  /// A few more, up to as many as Level::rowTiles has shapes for; null: there is no such form.
  EmitPhase *emitFewRows, *emitFew;
  /// Any number of rows in groups, each summed in the order of the decode form for one row: where
  /// steps are to be batch-invariant; null: all forms sum in that order.
  EmitPhase *emitGroupRows, *emitGroups;
  /// More rows: packing the input, and the product.
  EmitPhase *emitPack, *emitPrefill;
  /// The same by matrix tiles, of levels that have them, and the product for up to
  /// kFewTokensPanel.tokens and kStreamedPanel.tokens; null: so few are packed as without tiles.
  EmitPhase *emitPackTiles, *emitTiles, *emitFewTiles, *emitStreamedTiles;
};

/// The strategy for a product, null if there is none.
const ProductStrategy *findStrategy(const LinearSpec &spec);

} // namespace strata::cpu
