//===- NgramDrafter.h - guesses from a text's own n-grams -------*- C++ -*-===//
#pragma once

#include "runtime/drafts/Drafter.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace strata {

/// Where the n-grams of a text that grows stand, for n from kLongest down to kShortest: a table of
/// hashes, in which the younger of two that fall on one place stays. A token costs the same however
/// long the text is; the table has up to 48 bytes a token.
class NgramIndex {
public:
  static constexpr size_t kLongest = 4, kShortest = 2;

  /// `text` begins with that of the call before.
  void extend(std::span<const int32_t> text);
  /// Where the token stands that followed the text's last tokens when they stood in it before: the
  /// latest place, as many tokens as can be found. `text` is that of extend().
  std::optional<size_t> find(std::span<const int32_t> text) const;

private:
  size_t slotOf(std::span<const int32_t> ngram) const;
  void enter(std::span<const int32_t> text, size_t next);

  std::vector<uint32_t> table; // the place behind an n-gram; 0: none
  size_t entered = 0;          // n-grams that end before this place are in the table
};

/// Prompt lookup (Saxena, "Prompt Lookup Decoding", 2023; Yang et al., arXiv 2304.04487): what
/// followed the last tokens of a text when they stood in it before may follow again, as where an
/// answer quotes or edits its prompt. Needs no model.
class NgramDrafter : public Drafter {
public:
  int32_t open() override;
  void close(int32_t text) override { indices.erase(text); }
  absl::Status draft(std::span<DraftRequest> requests) override;

private:
  std::map<int32_t, NgramIndex> indices;
  int32_t last = 0;
};

} // namespace strata
