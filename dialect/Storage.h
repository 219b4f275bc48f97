//===- Storage.h - how parameters are stored --------------------*- C++ -*-===//
//
// A parameter is one value of the program and one or more tensors of the checkpoint, its planes:
// what #decoder.quantized says of a weight, and the sizes that follow from it, in bits. Nothing
// else knows them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialect/Decoder.h"

namespace strata {

/// A row of the table of formats: elements of a row follow each other, signed integers that stand
/// for themselves times the scale of their group. Scales are a tensor of their own, [out, in /
/// group].
struct QuantizedFormatFacts {
  QuantizedFormat format;
  int64_t bits;  ///< of an element
  int64_t group; ///< features that share a scale
};

inline constexpr QuantizedFormatFacts kQuantizedFormats[] = {
    {QuantizedFormat::I8G32, /*bits=*/8, /*group=*/32},
};

/// The table is in the order of the enumeration.
constexpr const QuantizedFormatFacts &factsOf(QuantizedFormat format) {
  return kQuantizedFormats[static_cast<size_t>(format)];
}

/// The tensors in which a parameter of this type is stored, with their boxes: its elements, then if
/// it is quantized their scales.
llvm::SmallVector<mlir::RankedTensorType, 2> getPlanes(mlir::ShapedType type);

/// Bits of all elements of a parameter, scales included.
int64_t getBits(mlir::ShapedType type);
/// Bits of a row of a matrix, scales included, or of a vector.
int64_t getRowBits(mlir::ShapedType type);

/// Bytes from the first element of a plane to the end of its last, those of others between its rows
/// included.
int64_t getSpanBytes(mlir::RankedTensorType plane);

/// How a weight is quantized, null if it is not.
QuantizedAttr getQuantized(mlir::Value weight);

} // namespace strata
