//===- QuantizeRow.h - numbers as few bits and scales -----------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace strata {

/// A row as it is stored: what it stands for is value times the scale of its group.
struct QuantizedRow {
  std::span<int8_t> values;   // of 8 bits, -127 to 127; of 4, -8 to 7
  std::span<uint16_t> scales; // bits of bf16, one for each group of values
};

/// Squares, summed.
struct QuantizationError {
  double error = 0;  // of what the rounded row stands for, less the row
  double weight = 0; // of the row

  void operator+=(const QuantizationError &other) {
    error += other.error;
    weight += other.weight;
  }
};

/// Rounds `row`, as many numbers as `to` has values, a multiple of its scales, all finite. Of 8
/// bits, the scale of a group is the largest magnitude in it / 127, rounded up to bf16, so that
/// nothing is clipped; of 4, it is that / 7.5, rounded to the nearest, as compressed-tensors has
/// it: the largest numbers are clipped, by half a step at most, and others lie closer. A value is
/// weight / scale, in f32, rounded to the nearest, halves to even. A group of zeros has the scale
/// 0.
QuantizationError quantizeRow(std::span<const float> row, int64_t bits, QuantizedRow to);

/// Packs numbers of 4 bits, which stand 8 higher, the first in the lowest bits. An even number.
void packFours(std::span<const int8_t> values, std::span<std::byte> to);

/// The index of the first infinity or NaN.
std::optional<size_t> findNotFinite(std::span<const float> row);

/// bf16, f16, f32 or whole quantized blocks as they lie in a file, at any address, to f32. Exact,
/// of blocks as decodeBlocks has it.
void widen(DType dtype, const std::byte *from, std::span<float> to);

} // namespace strata
