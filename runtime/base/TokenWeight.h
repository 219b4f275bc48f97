//===- TokenWeight.h - how likely a token is, as a whole number -*- C++ -*-===//
//
// Weights of tokens are whole numbers, so that their sums are the same in whatever order they are
// added: by a loop of the host or by the threads of a GPU.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace strata {

/// What the likeliest token weighs. Of 2^20 tokens, the most that a vocabulary has, the sum is
/// below 2^61.
inline constexpr int kTokenWeightBits = 40;

/// (1 - 2^-f) / f for f in [0, 1] as c0 - f (c1 - f (c2 - ...)), in units of 2^-32: the polynomial
/// through its values at the six Chebyshev nodes. The relative error of 2^-f is 1.2e-8.
inline constexpr std::array<uint32_t, 6> kHalvingCoefficients = {
    0xb17217df, 0x3d7f7506, 0x0e353290, 0x0274f388, 0x0054a612, 0x00078809};

/// Halvings of a weight beyond which nothing is left of it, and which f32 can count to.
inline constexpr float kMostHalvings = 63;

/// 2^(40 - below * scale), rounded down: what a token weighs whose logit lies `below` the largest,
/// 0 to infinity. `scale`: log2(e) / temperature, finite and above 0. The product and its fraction
/// are f32, rounded one by one: compile with -ffp-contract=off.
inline uint64_t tokenWeight(float below, float scale) {
  const float halvings = std::min(below * scale, kMostHalvings);
  const auto whole = int32_t(halvings);
  const auto fraction = uint64_t(int32_t((halvings - float(whole)) * 0x1p31f));
  uint64_t sum = kHalvingCoefficients.back();
  for (size_t i = kHalvingCoefficients.size() - 1; i-- > 0;)
    sum = kHalvingCoefficients[i] - (sum * fraction >> 31);
  const uint64_t half = (uint64_t(1) << 31) - (sum * fraction >> 32); // 2^(31 - fraction)
  return (half << (kTokenWeightBits - 31)) >> whole;
}

} // namespace strata
