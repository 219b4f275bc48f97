//===- Schedule.h - tiles of the GPU kernels --------------------*- C++ -*-===//
//
// The numbers that decide speed and nothing else; --print-schedule shows what follows from them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/package/PackageLimits.h"

#include <cstdint>
#include <iterator>

namespace strata::nvptx {

/// Threads of every block.
inline constexpr int64_t kThreads = 128;
static_assert(kThreads <= kMostBlockThreads);

/// Of a block that samples a row of logits: few rows must read a large vocabulary fast.
inline constexpr int64_t kSampleThreads = 512;
static_assert(kSampleThreads <= kMostBlockThreads);

/// Decode forms of a linear, for up to 16 rows of the step. Each has as many accumulators as it
/// takes rows, so there are some: unused ones cost registers.
struct DecodeForm {
  int64_t tokens;   ///< rows of the step, at most
  int64_t unitRows; ///< weight rows of a block: many share the loads of tokens, few balance better
  bool tensorCores; ///< beyond 4 tokens the products, not the weights, would take the time
};
inline constexpr DecodeForm kDecodeForms[] = {{1, 16, false}, {4, 16, false}, {16, 32, true}};
// What a decode form computes is small enough for launches to take time: such steps are graphs.
static_assert(std::rbegin(kDecodeForms)->tokens == kMostGraphTokens);

/// A norm is computed by every block of the decode form, into shared memory, if the rows take no
/// more than this; else by a launch of its own. An A100 has 164 KB for all blocks together.
inline constexpr int64_t kStagedBytes = 48 << 10;

/// Tile of the tensor-core form: tokens x weight rows (at least; heads stay whole) x features.
inline constexpr int64_t kTileTokens = 64, kTileRows = 128, kTileFeatures = 32;

/// Stages of its ring of asynchronous copies.
inline constexpr int64_t kStages = 3;

/// The same on sm_90a, whose wgmma takes 64 features at a time.
inline constexpr int64_t kSm90TileTokens = 128, kSm90TileRows = 256, kSm90Stages = 4;

/// Tile of the form for rows that are no whole loads of 16 bytes.
inline constexpr int64_t kNarrowTokens = 16, kNarrowRows = 16;

/// Parts of the context in the decode form of attention, each a block of its own.
inline constexpr int64_t kContextSplits = 16;

/// Up to so many tokens attention splits the context that often; beyond, there are blocks enough
/// without, unless each token is another sequence's: then it has fewer parts, whatever the tokens.
inline constexpr int64_t kSplitRows = 16, kSequenceSplits = 4;

} // namespace strata::nvptx
