//===- RandomWeights.h - what random weights are ----------------*- C++ -*-===//
//
// A value is a function of seed, key of the parameter and index alone, made of integers, one
// product and one rounding: every device makes the same bits, and so can a program of a few lines
// in any language. Value i is made of word i % 4 of a block of Philox4x32-10 whose key is the seed
// and whose counter is i / 4 and randomStream(key): the sum of the word's four bytes less its mean,
// times kRandomScale. Nearly normal (the sum of four equal distributions), deviation 0.02. An i8 is
// the whole number nearest to that value / kRandomInt8Scale, halves to even; the scales of such
// weights, Parameter.scales in Package.fbs, are all kRandomInt8Scale.
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

/// The key's hash, 64-bit FNV-1a.
constexpr uint64_t randomStream(absl::string_view key) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : key)
    hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  return hash;
}

/// Some of a parameter's values.
struct RandomValues {
  package::DType dtype; // bf16, f16 or f32, rounded to nearest even; i8; i32: zeros
  uint64_t seed, stream;
  uint64_t first;     // index of the first value, a multiple of 4
  bool scale = false; // the scales of i8 weights
};

} // namespace strata
