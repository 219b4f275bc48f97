//===- RandomWeights.cpp - random weights made by this machine ------------===//

#include "runtime/cpu/RandomWeights.h"

#include "runtime/base/Philox.h"
#include "runtime/cpu/CpuFeatures.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace strata::cpu {
namespace {

constexpr uint64_t kGroups = 64; // blocks of Philox made at once, so that the compiler has vectors
constexpr uint64_t kValues = 4 * kGroups;
constexpr uint64_t kPhiloxBytes = 16; // of a block

struct Words {
  uint32_t of[4][kGroups];
};

/// philox() for kGroups counters, the first words of which are first, first + 1, ...
[[gnu::always_inline]] inline void makeWords(Words &w, uint64_t seed, uint64_t stream,
                                             uint64_t first) {
  for (uint64_t g = 0; g < kGroups; ++g) {
    w.of[0][g] = uint32_t(first + g);
    w.of[1][g] = uint32_t((first + g) >> 32);
    w.of[2][g] = uint32_t(stream);
    w.of[3][g] = uint32_t(stream >> 32);
  }
  uint32_t key[2] = {uint32_t(seed), uint32_t(seed >> 32)};
  for (int round = 0; round < kPhiloxRounds; ++round) {
    for (uint64_t g = 0; g < kGroups; ++g) {
      uint64_t a = uint64_t(kPhiloxFactors[0]) * w.of[0][g];
      uint64_t b = uint64_t(kPhiloxFactors[1]) * w.of[2][g];
      w.of[0][g] = uint32_t(b >> 32) ^ w.of[1][g] ^ key[0];
      w.of[1][g] = uint32_t(b);
      w.of[2][g] = uint32_t(a >> 32) ^ w.of[3][g] ^ key[1];
      w.of[3][g] = uint32_t(a);
    }
    key[0] += kPhiloxIncrements[0];
    key[1] += kPhiloxIncrements[1];
  }
}

[[gnu::always_inline]] inline float valueOf(uint32_t word) {
  uint32_t sum = (word & 0xff) + (word >> 8 & 0xff) + (word >> 16 & 0xff) + (word >> 24);
  return float(int32_t(sum) - kRandomMean) * kRandomScale;
}

/// The upper bits, rounded to nearest even: for f16 after the exponent's bias was changed, which
/// does for our values: none is too small for a normal number but 0.
[[gnu::always_inline]] inline uint32_t roundOff(uint32_t bits, int count) {
  return (bits + (1u << (count - 1)) - 1 + (bits >> count & 1)) >> count;
}
[[gnu::always_inline]] inline uint16_t toBf16(float value) {
  return uint16_t(roundOff(std::bit_cast<uint32_t>(value), 16));
}
[[gnu::always_inline]] inline uint16_t toF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
  uint32_t half = magnitude == 0 ? 0 : roundOff(magnitude - 0x38000000, 13);
  return uint16_t(bits >> 16 & 0x8000) | uint16_t(half);
}

[[gnu::always_inline]] inline int8_t toInt8(float value) {
  constexpr float kShift = 0x1.8p23f; // the last bit of such numbers is 1
  return int8_t(value / kRandomInt8Scale + kShift - kShift);
}

/// kValues values from block `block` on into `to`, rounded.
template <typename T, typename Round>
[[gnu::always_inline]] inline void makeValues(T *to, const RandomValues &values, uint64_t block,
                                              Round round) {
  if (values.scale) {
    std::fill_n(to, kValues, round(kRandomInt8Scale));
    return;
  }
  Words words;
  makeWords(words, values.seed, values.stream, block);
  for (uint64_t g = 0; g < kGroups; ++g)
    for (uint64_t i = 0; i < 4; ++i)
      to[4 * g + i] = round(valueOf(words.of[i][g]));
}

/// The words of those blocks as they come.
[[gnu::always_inline]] inline void makeWords(uint32_t *to, const RandomValues &values,
                                             uint64_t block) {
  Words words;
  makeWords(words, values.seed, values.stream, block);
  for (uint64_t g = 0; g < kGroups; ++g)
    for (uint64_t i = 0; i < 4; ++i)
      to[4 * g + i] = words.of[i][g];
}

/// kValues values from block `block` on.
[[gnu::always_inline]] inline void makeBlock(const RandomValues &values, uint64_t block,
                                             std::byte *to) {
  auto make = [&](auto *typed, auto round) { makeValues(typed, values, block, round); };
  switch (values.dtype) {
  case package::DType::bf16:
    return make(reinterpret_cast<uint16_t *>(to), toBf16);
  case package::DType::f16:
    return make(reinterpret_cast<uint16_t *>(to), toF16);
  case package::DType::f32:
    return make(reinterpret_cast<float *>(to), [](float value) { return value; });
  case package::DType::i8:
    return make(reinterpret_cast<int8_t *>(to), toInt8);
  default: // i32
    return makeWords(reinterpret_cast<uint32_t *>(to), values, block);
  }
}

/// The bytes of a parameter from `first` on, as the words come.
[[gnu::always_inline]] inline void makeBytes(const RandomValues &values, uint64_t first,
                                             std::span<std::byte> to) {
  uint32_t part[kValues];
  for (uint64_t done = 0; done < to.size();) {
    const uint64_t block = (first + done) / kPhiloxBytes, skipped = (first + done) % kPhiloxBytes;
    makeWords(part, values, block);
    const uint64_t size = std::min(sizeof part - skipped, to.size() - done);
    memcpy(to.data() + done, reinterpret_cast<const std::byte *>(part) + skipped, size);
    done += size;
  }
}

/// Random bytes with the scales that `fixed` says, in whole blocks.
[[gnu::always_inline]] inline void makeBlocks(const RandomValues &values, const RandomBlock &fixed,
                                              std::span<std::byte> to) {
  const BlockSize size = blockSize(values.dtype);
  makeBytes(values, values.first / size.elements * size.bytes, to);
  for (uint64_t at = 0; at < to.size(); at += size.bytes) {
    memcpy(&to[at + fixed.scaleOffset], &fixed.scale, sizeof fixed.scale);
    if (fixed.minimum)
      memcpy(&to[at + fixed.kMinimumOffset], &fixed.minimum, sizeof fixed.minimum);
  }
}

[[gnu::always_inline]] inline void makeAll(const RandomValues &values, std::span<std::byte> to) {
  if (const RandomBlock *fixed = randomBlock(values.dtype))
    return makeBlocks(values, *fixed, to);
  alignas(64) std::byte part[kValues * sizeof(float)];
  uint64_t bytes = kValues * elementBytes(values.dtype), block = values.first / 4;
  for (uint64_t done = 0; done < to.size(); done += bytes, block += kGroups) {
    makeBlock(values, block, part);
    memcpy(to.data() + done, part, std::min(bytes, to.size() - done));
  }
}

__attribute__((target("avx2"))) void makeAvx2(const RandomValues &values, std::span<std::byte> to) {
  makeAll(values, to);
}

} // namespace

void makeRandomValues(const RandomValues &values, std::span<std::byte> to) {
  static const bool avx2 = CpuFeatures::detect().has("avx2");
  avx2 ? makeAvx2(values, to) : makeAll(values, to);
}

} // namespace strata::cpu
