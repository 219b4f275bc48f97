//===- RandomWeights.h - what random weights are ----------------*- C++ -*-===//
//
// A value is a function of seed, key of the parameter and index alone, made of integers, one
// product and one rounding: every device makes the same bits, and so can a program of a few lines
// in any language. Value i is made of word i % 4 of a block of Philox4x32-10 whose key is the seed
// and whose counter is i / 4 and randomStream(key): the sum of the word's four bytes less its mean,
// times kRandomScale. Nearly normal (the sum of four equal distributions), deviation 0.02. An i8 is
// the whole number nearest to that value / kRandomInt8Scale, halves to even; an i32, which are
// packed weights, is the word itself. The scales of such weights, Parameter.scales in Package.fbs,
// are all kRandomInt8Scale.
//
// Blocks of quantized weights, one after the other, are the bytes of the same words as they come,
// byte b being that of word b / 4 % 4 of the block of Philox with the counter b / 16, but for their
// f16 scale and minimum, which are constants: randomBlock(). With those of the format's own scales
// that are whole numbers, and random, too, weights have a deviation of 0.02 and a mean near 0.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/strings/string_view.h"
#include "runtime/package/Package_generated.h"

#include <cstdint>

namespace strata {

/// 0.02 over the deviation of the sum of four bytes, sqrt(4 (256^2 - 1) / 12).
inline constexpr float kRandomScale = 1.3531750e-4f;
/// So that every i8 is within 127, in all types of scales exactly.
inline constexpr float kRandomInt8Scale = 0x1p-10f;
/// The mean of the sum of four bytes.
inline constexpr int32_t kRandomMean = 510;

/// What is not random in a random block of a type.
struct RandomBlock {
  package::DType dtype;
  uint64_t scaleOffset; // of an f16, bytes from the start of the block
  uint16_t scale;       // its bits
  uint16_t minimum;     // bits of the f16 at kMinimumOffset; 0: the type has none

  static constexpr uint64_t kMinimumOffset = 2;
};

inline constexpr RandomBlock kRandomBlocks[] = {
    {package::DType::q8_0, 0, 0x0c6f, 0},      {package::DType::q4_0, 0, 0x1c6b, 0},
    {package::DType::q4_1, 0, 0x1c71, 0xa82a}, {package::DType::q5_0, 0, 0x186e, 0},
    {package::DType::q5_1, 0, 0x1870, 0xa84c}, {package::DType::q4_k, 0, 0x0513, 0x10c2},
    {package::DType::q5_k, 0, 0x027d, 0x10d2}, {package::DType::q6_k, 208, 0x00f6, 0},
    {package::DType::iq4_nl, 0, 0x0cdc, 0},    {package::DType::iq4_xs, 0, 0x010d, 0},
};

/// The one of a type; null if its elements stand alone.
constexpr const RandomBlock *randomBlock(package::DType dtype) {
  for (const RandomBlock &block : kRandomBlocks)
    if (block.dtype == dtype)
      return &block;
  return nullptr;
}

/// The key's hash, 64-bit FNV-1a.
constexpr uint64_t randomStream(absl::string_view key) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : key)
    hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  return hash;
}

/// Some of a parameter's values.
struct RandomValues {
  package::DType dtype; // bf16, f16 or f32, rounded to nearest even; i8; i32; or blocks
  uint64_t seed, stream;
  uint64_t first;     // index of the first value, a multiple of 4; in blocks, of their elements
  bool scale = false; // the scales of i8 and i32 weights
};

} // namespace strata
