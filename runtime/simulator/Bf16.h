//===- Bf16.h - bf16 to float and back --------------------------*- C++ -*-===//
#pragma once

#include <bit>
#include <cstdint>

namespace strata::simulator {

inline float fromBf16(uint16_t value) { return std::bit_cast<float>(uint32_t(value) << 16); }

/// Rounds to nearest even; every NaN becomes the one that PTX makes.
inline uint16_t toBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return 0x7fff;
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

} // namespace strata::simulator
