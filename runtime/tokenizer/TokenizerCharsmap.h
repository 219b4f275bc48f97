//===- TokenizerCharsmap.h - SentencePiece's normalization rules *- C++ -*-===//
#pragma once

#include "absl/status/status.h"

#include <string_view>

namespace strata {

/// Checks a precompiled_charsmap: SentencePiece walks its trie and its strings without looking
/// where they end. Errors begin with "precompiled_charsmap: ".
///
///     u32 size of the trie, bytes, little endian | trie | NUL-terminated replacements
absl::Status checkCharsmap(std::string_view charsmap);

} // namespace strata
