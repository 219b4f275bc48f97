//===- BpeMerges.h - byte-pair encoding -------------------------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Bpe_generated.h"

#include <cstdint>
#include <vector>

namespace strata {

/// The merges of verified tables, which must outlive it.
class BpeMerges {
public:
  explicit BpeMerges(const bpe::Tables &tables) : tables(&tables) {}

  /// Merges neighbours in `ids`, whose values are ids of pieces, until no pair has a merge: always
  /// the pair of the smallest rank, and of those the leftmost. O(n log n) in ids.size(), with 32
  /// bytes an id.
  void apply(std::vector<int32_t> &ids) const;

private:
  class Word;
  const bpe::Merge *find(int32_t left, int32_t right) const;

  const bpe::Tables *tables;
};

} // namespace strata
