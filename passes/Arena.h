//===- Arena.h - ranges of one block of memory ------------------*- C++ -*-===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace strata {

/// The attribute of ops that take workspace: its place.
inline constexpr llvm::StringLiteral kWorkspaceAttrName = "workspace";

/// A range of the arena while it is needed. All sizes are bytes a token, multiples of
/// kArenaAlignment; times are op numbers.
struct LiveRange {
  int64_t bytes;
  int64_t first, last; // the ops between which it is live, both included
  int64_t offset = 0;  // set by packArena

  bool isLiveWith(const LiveRange &other) const {
    return first <= other.last && other.first <= last;
  }
};

/// Gives each range its offset: the largest first, each into the smallest gap that fits between
/// those it is live with. Returns the arena's bytes. Equal input gives equal offsets.
int64_t packArena(llvm::MutableArrayRef<LiveRange> ranges);

} // namespace strata
