//===- BpeRules.h - from a text to words ------------------------*- C++ -*-===//
//
// What happens to a text before the merges: normalizers change it, splits cut it into words, both
// as Hugging Face's `tokenizers` does it. All texts are well-formed UTF-8.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/tokenizer/Bpe_generated.h"

#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A part of a text.
struct Segment {
  std::string text;
  bool atOrigin = false; // its first character is the first of the whole text
};

inline std::string_view view(const flatbuffers::String *string) {
  return string ? std::string_view(string->data(), string->size()) : std::string_view();
}

/// `text` with `content` for every `pattern`, which is not empty.
std::string replaceAll(std::string_view text, std::string_view pattern, std::string_view content);

/// Applies the normalizers in their order.
std::string normalize(const bpe::Tables &tables, std::string text);

/// Applies the splits in their order; the words are not empty.
std::vector<Segment> splitIntoWords(const bpe::Tables &tables, Segment segment);

} // namespace strata
