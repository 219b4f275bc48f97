//===- Schedule.h - tiles of the GPU kernels --------------------*- C++ -*-===//
//
// The numbers that decide speed and nothing else; --print-schedule shows what follows from them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace strata::nvptx {

/// Threads of every block.
inline constexpr int64_t kThreads = 128;

/// Up to so many rows a linear runs in the decode form, with as many accumulators for each row of a
/// weight; a form for each, as unused accumulators cost registers.
inline constexpr int64_t kDecodeRows[] = {1, 4, 16};

/// Weight rows that a warp streams at a time in the decode form, for each of kDecodeRows: loads in
/// flight against registers.
inline constexpr int64_t kDecodeWarpRows[] = {4, 4, 2};

/// Weight rows of a block in the decode form, where no head has to stay whole.
inline constexpr int64_t kUnitRows = 16;

/// Tile of the tensor-core form: tokens x weight rows (at least; heads stay whole) x features.
inline constexpr int64_t kTileTokens = 64, kTileRows = 128, kTileFeatures = 32;

/// Stages of its ring of asynchronous copies.
inline constexpr int64_t kStages = 3;

/// Parts of the context in the decode form of attention, each a block of its own.
inline constexpr int64_t kContextSplits = 16;

/// Up to so many tokens attention splits the context; beyond, there are blocks enough without.
inline constexpr int64_t kSplitRows = 16;

} // namespace strata::nvptx
