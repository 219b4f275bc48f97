//===- TokenizerCharsmap.h - SentencePiece's normalization rules *- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <string_view>

namespace strata {

/// What is known of rules.
struct CharsmapFacts {
  bool spacesAreAlone = true; // no rule is about a space and what stands beside it
};

/// Checks a precompiled_charsmap: SentencePiece walks its trie and its strings without looking
/// where they end. Errors begin with "precompiled_charsmap: ".
///
///     u32 size of the trie, bytes, little endian | trie | NUL-terminated replacements
absl::StatusOr<CharsmapFacts> checkCharsmap(std::string_view charsmap);

} // namespace strata
