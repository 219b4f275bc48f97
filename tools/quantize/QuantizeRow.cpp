//===- QuantizeRow.cpp - numbers as 8 bits and scales ---------------------===//

#include "tools/quantize/QuantizeRow.h"

#include "frontend/Quantization.h"
#include "runtime/base/SmallFloats.h"
#include "runtime/checkpoint/Blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace strata {
namespace {

constexpr float kLargest = 127;

/// The smallest bf16 that is at least largest / 127.
uint16_t scaleFor(float largest) {
  auto bits = uint16_t(std::bit_cast<uint32_t>(largest / kLargest) >> 16);
  const bool tooSmall = double(fromBf16(bits)) * kLargest < double(largest); // both are exact
  return tooSmall ? bits + 1 : bits;
}

/// To the nearest integer, halves to even, of a magnitude below 2^22: that is how f32 rounds where
/// its last bit is 1.
float roundHalfEven(float value) {
  constexpr float kShift = 0x1.8p23f;
  return (value + kShift) - kShift;
}

QuantizationError quantizeGroup(const float *weights, int8_t *values, uint16_t &scaleBits) {
  float largest = 0;
  for (int64_t i = 0; i < kQuantizationGroup; ++i)
    largest = std::max(largest, std::abs(weights[i]));
  scaleBits = scaleFor(largest);
  const float scale = fromBf16(scaleBits);
  const float divisor = scale == 0 ? 1 : scale;
  double error = 0, weight = 0;
  for (int64_t i = 0; i < kQuantizationGroup; ++i) {
    const float rounded = roundHalfEven(weights[i] / divisor);
    const double lost = double(rounded) * double(scale) - double(weights[i]);
    values[i] = int8_t(rounded);
    error += lost * lost;
    weight += double(weights[i]) * double(weights[i]);
  }
  return {error, weight};
}

} // namespace

QuantizationError quantizeRow(std::span<const float> row, QuantizedRow to) {
  QuantizationError sum;
  for (size_t group = 0; group < to.scales.size(); ++group) {
    const size_t first = group * kQuantizationGroup;
    sum += quantizeGroup(&row[first], &to.values[first], to.scales[group]);
  }
  return sum;
}

std::optional<size_t> findNotFinite(std::span<const float> row) {
  const auto found = std::ranges::find_if(row, [](float value) { return !std::isfinite(value); });
  return found == row.end() ? std::nullopt : std::optional<size_t>(found - row.begin());
}

void widen(DType dtype, const std::byte *from, std::span<float> to) {
  const std::span bytes(from, blockSize(dtype).bytesOf(to.size()).value());
  if (isQuantized(dtype))
    return decodeBlocks(dtype, bytes, to);
  if (dtype == DType::f32) {
    std::memcpy(to.data(), from, to.size_bytes());
    return;
  }
  for (size_t i = 0; i < to.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, from + i * sizeof bits, sizeof bits);
    to[i] = dtype == DType::bf16 ? fromBf16(bits) : fromF16(bits);
  }
}

} // namespace strata
