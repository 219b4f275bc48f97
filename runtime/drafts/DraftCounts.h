//===- DraftCounts.h - what became of drafts --------------------*- C++ -*-===//
#pragma once

#include "runtime/drafts/Drafter.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace strata {

/// What was drafted so far, and what of it stayed.
struct DraftCounts {
  uint64_t drafts = 0; // times that a text had drafts in a step
  uint64_t tokens = 0, accepted = 0;
  std::array<uint64_t, kMostDrafts> acceptedAt = {}; // by their place in the drafts of a step

  void add(int64_t drafted, int64_t stayed) {
    drafts += drafted > 0;
    tokens += uint64_t(drafted);
    accepted += uint64_t(stayed);
    for (size_t place = 0; place < size_t(stayed); ++place)
      ++acceptedAt[place];
  }
  DraftCounts &operator+=(const DraftCounts &other) {
    drafts += other.drafts;
    tokens += other.tokens;
    accepted += other.accepted;
    for (size_t place = 0; place < acceptedAt.size(); ++place)
      acceptedAt[place] += other.acceptedAt[place];
    return *this;
  }
  /// Share of the tokens, 0 to 1.
  double acceptance() const { return tokens ? double(accepted) / double(tokens) : 0; }
};

} // namespace strata
