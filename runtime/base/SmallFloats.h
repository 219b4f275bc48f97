//===- SmallFloats.h - bf16 and f16 as f32 ----------------------*- C++ -*-===//
#pragma once

#include <bit>
#include <cstdint>

namespace strata {

/// The number with these bits. Exact.
inline float fromBf16(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

inline float fromF16(uint16_t bits) {
  // The exponent's bias is 127 instead of 15; the product does it for subnormal numbers, too.
  const uint32_t magnitude = bits & 0x7fff, sign = uint32_t(bits & 0x8000) << 16;
  float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  if (magnitude >= 0x7c00) // infinities and NaN
    value = std::bit_cast<float>(0x7f800000 | magnitude << 13);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | sign);
}

/// The nearest bf16, halves to even, of a finite number.
inline uint16_t toBf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

} // namespace strata
