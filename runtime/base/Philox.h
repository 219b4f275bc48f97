//===- Philox.h - a counter-based random generator --------------*- C++ -*-===//
//
// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
// (SC 2011). The n-th number is a function of key and counter alone: no state to carry, the same
// numbers on every machine.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <array>
#include <cstdint>

namespace strata {

inline constexpr int kPhiloxRounds = 10;
inline constexpr std::array<uint32_t, 2> kPhiloxFactors = {0xD2511F53, 0xCD9E8D57};
/// Of the key, from round to round: golden ratio, sqrt(3) - 1.
inline constexpr std::array<uint32_t, 2> kPhiloxIncrements = {0x9E3779B9, 0xBB67AE85};

/// 128 random bits for this counter under this key.
constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                                         std::array<uint32_t, 2> key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t a = uint64_t(kPhiloxFactors[0]) * counter[0];
    const uint64_t b = uint64_t(kPhiloxFactors[1]) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key[0], uint32_t(b),
               uint32_t(a >> 32) ^ counter[3] ^ key[1], uint32_t(a)};
    key = {key[0] + kPhiloxIncrements[0], key[1] + kPhiloxIncrements[1]};
  }
  return counter;
}

/// 64 random bits for the `position`-th draw of `seed`.
constexpr uint64_t philoxBits(uint64_t seed, uint64_t position) {
  const auto bits = philox({uint32_t(position), uint32_t(position >> 32), 0, 0},
                           {uint32_t(seed), uint32_t(seed >> 32)});
  return uint64_t(bits[0]) << 32 | bits[1];
}

/// A number in [0, 1) with 53 random bits, for the same draw.
constexpr double philoxUniform(uint64_t seed, uint64_t position) {
  return double(philoxBits(seed, position) >> 11) * 0x1p-53;
}

} // namespace strata
