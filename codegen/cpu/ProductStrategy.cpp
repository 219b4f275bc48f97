//===- ProductStrategy.cpp - the table of strategies ----------------------===//

#include "codegen/cpu/ProductStrategy.h"

#include "codegen/cpu/Int8.h"
#include "codegen/cpu/Schedule.h"

using namespace strata;
using namespace strata::cpu;

/// bf16, f16 and f32 as they lie, an input of bf16.
static bool takesPlain(const LinearSpec &spec) {
  return !spec.rounding &&
         llvm::none_of(spec.parts, [](const LinearSpec::Part &part) { return part.quantized; });
}

/// The normalized or packed input, in whole blocks of tokens and whole tiles of features. Few
/// tokens take whole vectors of pairs, but half of a block at most.
static int64_t plainWorkspaceBytes(int64_t features) {
  return 2 * llvm::alignTo(features, 2 * kTileRows);
}

static bool isPrepared(const LinearSpec &spec) { return spec.gamma || spec.outputRows; }

/// Whole numbers times whole numbers, in groups of the input or halves of them.
static bool takesInt8(const LinearSpec &spec) {
  return spec.rounding && spec.rounding.getElement().isInteger(8) &&
         spec.rounding.getGroup() == kInt8Group &&
         llvm::all_of(spec.parts, [](const LinearSpec::Part &part) { return part.quantized; });
}

static constexpr ProductStrategy kStrategies[] = {
    {takesPlain, plainWorkspaceBytes, /*decodeRows=*/1, isPrepared, emitRows, emitDecode,
     emitFewRows, emitFew, emitGroupRows, emitGroups, emitPack, emitPrefill, emitPackTiles,
     emitTiles, emitFewTiles, emitStreamedTiles},
    {takesInt8, int8WorkspaceBytes, kInt8DecodeRows, [](const LinearSpec &) { return true; },
     emitInt8Rows, emitInt8Decode, /*emitFewRows=*/nullptr, /*emitFew=*/nullptr,
     /*emitGroupRows=*/nullptr, /*emitGroups=*/nullptr, emitInt8Pack, emitInt8Prefill,
     emitInt8PackTiles, emitTiles, /*emitFewTiles=*/nullptr, /*emitStreamedTiles=*/nullptr},
};

const ProductStrategy *strata::cpu::findStrategy(const LinearSpec &spec) {
  for (const ProductStrategy &strategy : kStrategies)
    if (strategy.takes(spec))
      return &strategy;
  return nullptr;
}
