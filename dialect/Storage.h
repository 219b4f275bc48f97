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

/// A row of the table of formats. A weight is `u * scale + offset` or `(u - zero) * scale`, where u
/// is a whole number; the scale, and the offset where there are any, are shared by the features of
/// a group. Elements and scales of some features of a row make a block; or blocks are whole numbers
/// of one element or several, and scales are a tensor of their own, [out, in / group].
struct QuantizedFormatFacts {
  QuantizedFormat format;
  int64_t group;        ///< features that share a scale; 0: the attribute says
  int64_t blockWeights; ///< of a block
  int64_t blockBits;    ///< of a block

  /// Whether scales are in the blocks.
  constexpr bool isInBlocks() const { return group != 0; }
};

// clang-format off
inline constexpr QuantizedFormatFacts kQuantizedFormats[] = {
    {QuantizedFormat::I8,    /*group=*/0, /*blockWeights=*/1, /*blockBits=*/8},
    {QuantizedFormat::Q8_0,  32,  32,  34 * 8},
    {QuantizedFormat::Q4_0,  32,  32,  18 * 8},
    {QuantizedFormat::Q4_1,  32,  32,  20 * 8},
    {QuantizedFormat::Q5_0,  32,  32,  22 * 8},
    {QuantizedFormat::Q5_1,  32,  32,  24 * 8},
    {QuantizedFormat::Q4K,   32, 256, 144 * 8},
    {QuantizedFormat::Q5K,   32, 256, 176 * 8},
    {QuantizedFormat::Q6K,   16, 256, 210 * 8},
    {QuantizedFormat::IQ4NL, 32,  32,  18 * 8},
    {QuantizedFormat::IQ4XS, 32, 256, 136 * 8},
    {QuantizedFormat::I4,       0, 8, 32},
    {QuantizedFormat::I8Packed, 0, 4, 32},
};
// clang-format on

/// Features that share a scale where a target rounds the input of a product with quantized weights
/// to 8 bits.
inline constexpr int64_t kRoundingGroup = 32;

/// The table is in the order of the enumeration.
constexpr const QuantizedFormatFacts &factsOf(QuantizedFormat format) {
  return kQuantizedFormats[static_cast<size_t>(format)];
}

/// Features of a row that share a scale.
int64_t groupOf(QuantizedAttr quantized);

/// Whether kernels take groups of so many of a row's `columns`: each is whole groups of an input
/// that is rounded, and begins at a place in its row that is the same in all.
constexpr bool isSupportedGroup(int64_t group, int64_t columns) {
  return columns % kRoundingGroup == 0 &&
         (group == columns ||
          ((group == 32 || group == 64 || group == 128 || group == 256) && columns % group == 0));
}

/// The tensors in which a parameter of this type is stored, with their boxes: itself, if that is
/// not quantized or in blocks, or its elements and their scales.
llvm::SmallVector<mlir::RankedTensorType, 2> getPlanes(mlir::ShapedType type);

/// Bits of all elements of a parameter, scales included.
int64_t getBits(mlir::ShapedType type);
/// Bits of a row of a matrix, scales included, or of a vector.
int64_t getRowBits(mlir::ShapedType type);

/// Bytes from the first element of a plane to the end of its last, those of others between its rows
/// included.
int64_t getSpanBytes(mlir::RankedTensorType plane);

/// How a matrix is quantized, null if it is not.
QuantizedAttr getQuantized(mlir::Value matrix);
QuantizedAttr getQuantized(mlir::Type type);
/// Whether its scales are a tensor of their own.
bool hasScales(mlir::Value matrix);
/// Whether elements and scales are together in blocks.
bool isInBlocks(mlir::Value matrix);

} // namespace strata
