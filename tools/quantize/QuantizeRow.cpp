//===- QuantizeRow.cpp - numbers as few bits and scales -------------------===//

#include "tools/quantize/QuantizeRow.h"

#include "runtime/base/SmallFloats.h"
#include "runtime/checkpoint/Blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace strata {
namespace {

/// The least and the greatest of the numbers, and what the largest magnitude is divided by.
struct Numbers {
  float least, greatest, steps;
};

constexpr Numbers kEight = {-127, 127, 127}, kFour = {-8, 7, 7.5f};

/// The smallest bf16 that is at least largest / 127, or that nearest to largest / 7.5.
uint16_t scaleFor(float largest, const Numbers &numbers) {
  if (numbers.least != -numbers.greatest)
    return toBf16(largest / numbers.steps);
  auto bits = uint16_t(std::bit_cast<uint32_t>(largest / numbers.steps) >> 16);
  const bool tooSmall = double(fromBf16(bits)) * numbers.steps < double(largest); // both are exact
  return tooSmall ? bits + 1 : bits;
}

/// To the nearest integer, halves to even, of a magnitude below 2^22: that is how f32 rounds where
/// its last bit is 1.
float roundHalfEven(float value) {
  constexpr float kShift = 0x1.8p23f;
  return (value + kShift) - kShift;
}

QuantizationError quantizeGroup(std::span<const float> weights, const Numbers &numbers,
                                int8_t *values, uint16_t &scaleBits) {
  float largest = 0;
  for (float weight : weights)
    largest = std::max(largest, std::abs(weight));
  scaleBits = scaleFor(largest, numbers);
  const float scale = fromBf16(scaleBits);
  const float divisor = scale == 0 ? 1 : scale;
  double error = 0, weight = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const float rounded =
        std::clamp(roundHalfEven(weights[i] / divisor), numbers.least, numbers.greatest);
    const double lost = double(rounded) * double(scale) - double(weights[i]);
    values[i] = int8_t(rounded);
    error += lost * lost;
    weight += double(weights[i]) * double(weights[i]);
  }
  return {error, weight};
}

} // namespace

QuantizationError quantizeRow(std::span<const float> row, int64_t bits, QuantizedRow to) {
  QuantizationError sum;
  const size_t size = row.size() / to.scales.size();
  for (size_t group = 0; group < to.scales.size(); ++group)
    sum += quantizeGroup(row.subspan(group * size, size), bits == 4 ? kFour : kEight,
                         &to.values[group * size], to.scales[group]);
  return sum;
}

void packFours(std::span<const int8_t> values, std::span<std::byte> to) {
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = std::byte((values[2 * i] + 8) | (values[2 * i + 1] + 8) << 4);
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
