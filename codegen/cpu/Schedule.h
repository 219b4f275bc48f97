//===- Schedule.h - tiles of the CPU kernels --------------------*- C++ -*-===//
//
// The numbers that decide speed and nothing else. Register tiles differ by level: Level.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace strata::cpu {

/// Up to this many rows a linear with weights of i8 runs in the decode form. Other weights: one,
/// and Level.h says up to how many the form is the same on packed rows.
inline constexpr int64_t kInt8DecodeRows = 4;

/// Rows of weights in a workgroup: the unit in which threads share a linear. With rope it is a
/// head.
inline constexpr int64_t kUnitRows = 16;

/// Tokens of a block of packed activations, P[block][in/2][kPackTokens]. Fewer tokens than that are
/// one block that is as narrow as whole vectors allow.
inline constexpr int64_t kPackTokens = 64, kPackVector = 16;

/// kPackTokens of activations that are rounded to 8 bits: as wide as a register tile.
inline constexpr int64_t kInt8PackTokens = 32;

/// Workgroups that share the packing of kPackVector tokens, each some of their features: so many
/// threads have work where there are no more tokens. Each computes the statistics of a norm anew.
inline constexpr int64_t kPackShares = 4;

/// Features of f16 weights that the packed form widens to f32 at a time: with the rows of a
/// register tile they stay in the first-level cache.
inline constexpr int64_t kWidenedFeatures = 256;

/// Most rows of a register tile whose products are f32.
inline constexpr int64_t kWideRows = 4;

/// About so many pairs of kPackTokens tokens, 256 kB, stay in L2 while rows of weights pass.
inline constexpr int64_t kBlockPairs = 1024;

/// Rows of weights that stay in L2 while the token blocks pass.
inline constexpr int64_t kPrefillRows = 64;

/// Of a product by tiles: about so many rows of weights and features of them are copied into tiles
/// at a time, of which the epilogue takes groups of rows; and tokens that are multiplied with them
/// before the next, whose sums stay in L2, too.
struct PanelShape {
  int64_t rows, features, groupRows, tokens;
};
inline constexpr PanelShape kPanel{256, 512, 64, 512};
/// The same for steps of up to so many tokens: weights come in longer pieces, front to back.
inline constexpr PanelShape kFewTokensPanel{32, 2048, 32, 64};
/// The same where all tokens are two tiles at most: weights are multiplied as they lie. Of rows
/// that are no whole tiles they are copied like those of the others.
inline constexpr PanelShape kStreamedPanel{32, 2048, 32, 32};
/// Up to so many rows, weights that tiles would have to decode are multiplied without them.
inline constexpr int64_t kDecodedTilesRows = 32;

/// Tiles of a row's features that come from memory together, while as many before are multiplied.
inline constexpr int64_t kStreamTiles = 8;

/// Rows, query heads of tokens, that attention takes through a page together: as many as keep their
/// sums and scores in the first-level cache. Of them, at least so many share the loads of a key or
/// value; Level.h says how many at most.
inline constexpr int64_t kBlockRows = 32, kAttentionRows = 4;

/// Up to so many tokens of a sequence are a block each, so that more threads have work. Tokens of
/// different sequences share nothing and are always a block each.
inline constexpr int64_t kMostSplitTokens = 4;

/// Weights of at least so many bytes lie between a prefetch and its use: measured, best of 4 to 32
/// kB.
inline constexpr int64_t kBytesAhead = 8192;

/// So much of the input of a few tokens stays in the first-level cache while whole rows of weights
/// pass; more is taken in blocks of columns, at most so many a row.
inline constexpr int64_t kInputBytes = 16 * 1024, kColumnBlocks = 32;

/// Rows of weights that are multiplied with a group of tokens before the next, where steps are
/// batch-invariant: they stay in the second-level cache while all groups pass.
inline constexpr int64_t kGroupRows = 32;

/// Two units of rows of so many bytes, and the two behind them, stay in the second-level cache.
inline constexpr int64_t kRowsBytes = 256 * 1024;

/// Bytes of a cache line.
inline constexpr int64_t kLineBytes = 64;

} // namespace strata::cpu
