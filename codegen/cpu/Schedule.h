//===- Schedule.h - tiles of the CPU kernels --------------------*- C++ -*-===//
//
// The numbers that decide speed and nothing else. Register tiles differ by level: Level.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace strata::cpu {

/// Up to this many rows a linear runs in the decode form: each row of a weight is streamed once and
/// multiplied with all tokens from the cache. Beyond, the packed form reuses registers better.
inline constexpr int64_t kDecodeRows = 4;

/// Rows of weights in a workgroup: the unit in which threads share a linear. With rope it is a
/// head.
inline constexpr int64_t kUnitRows = 16;

/// Tokens that the decode form holds results of at a time.
inline constexpr int64_t kDecodeTile = 16;

/// Tokens that share the loads of a weight row in the decode form.
inline constexpr int64_t kDecodeGroup = 4;

/// Independent accumulators of a dot product over one row: hides the latency of the dot.
inline constexpr int64_t kDotChains = 4;

/// Tokens of a block of packed activations, P[block][in/2][kPackTokens].
inline constexpr int64_t kPackTokens = 64;

/// Rows of weights that stay in L2 while the token blocks pass.
inline constexpr int64_t kPrefillRows = 64;

} // namespace strata::cpu
