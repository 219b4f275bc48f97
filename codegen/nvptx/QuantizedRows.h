//===- QuantizedRows.h - weights in blocks as GPU kernels take them -*- C++ -*-===//
//
// Whatever a format looks like, kernels see pieces of 16 features of a row: whole numbers, a scale
// and maybe an offset. A format of dialect/Storage.h is a row of the table in QuantizedRows.cpp,
// and two functions that it names. The bytes of a row, or of a stretch of it, lie where kernels put
// them, in global or shared memory; RawRows.h brings them there.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/nvptx/KernelBuilder.h"
#include "dialect/Storage.h"

namespace strata::nvptx {

/// Features that every format decodes alike, with one scale.
inline constexpr int64_t kPiece = 16;

/// Bytes of so many features of a row.
constexpr int64_t bytesOf(QuantizedFormat format, int64_t features) {
  const QuantizedFormatFacts &facts = factsOf(format);
  return features / facts.blockWeights * facts.blockBits / 8;
}

/// Feature i of a piece is numbers[i] * scale + offset.
struct Piece {
  Values numbers; ///< f32, kPiece of them
  Value scale;    ///< f32
  Value offset;   ///< f32; null: nothing is added

  /// Feature i, f32: ggml's bits.
  Value weight(KernelBuilder &b, int64_t i) const;
  /// All features as pairs of bf16, rounded once: kPiece / 2 of i32.
  Values pairs(KernelBuilder &b) const;
};

/// Piece `piece` of the features whose first byte is byte `first` of `bytes`, an array of i8. That
/// byte's address is, modulo 16, a multiple of a block's size.
Piece loadPiece(KernelBuilder &b, QuantizedFormat format, Value bytes, Value first, Value piece);

/// Whether pieces have offsets.
bool hasOffsets(QuantizedFormat format);

} // namespace strata::nvptx
