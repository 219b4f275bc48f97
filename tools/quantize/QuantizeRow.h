//===- QuantizeRow.h - numbers as 8 bits and scales -------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace strata {

/// A row as it is stored: what it stands for is value times the scale of its group.
struct QuantizedRow {
  std::span<int8_t> values;   // -127 to 127
  std::span<uint16_t> scales; // bits of bf16, one for each kQuantizationGroup values
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

/// Rounds `row`, as many numbers as `to` has values, a multiple of kQuantizationGroup, all finite.
/// The scale of a group is the largest magnitude in it / 127, rounded up to bf16, so that nothing
/// is clipped; a value is weight / scale, in f32, rounded to the nearest, halves to even. A group
/// of zeros has the scale 0.
QuantizationError quantizeRow(std::span<const float> row, QuantizedRow to);

/// The index of the first infinity or NaN.
std::optional<size_t> findNotFinite(std::span<const float> row);

/// bf16, f16, f32 or whole quantized blocks as they lie in a file, at any address, to f32. Exact,
/// of blocks as decodeBlocks has it.
void widen(DType dtype, const std::byte *from, std::span<float> to);

} // namespace strata
