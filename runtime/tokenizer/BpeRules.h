//===- BpeRules.h - from a text to words ------------------------*- C++ -*-===//
//
// What happens to a text before the merges: normalizers change it, splits cut it into words, both
// as Hugging Face's `tokenizers` does it. All texts are well-formed UTF-8.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/tokenizer/Bpe_generated.h"

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace strata {

/// A part of a text.
struct Segment {
  std::string_view text;
  bool atOrigin = false; // its first character is the first of the whole text
};

inline std::string_view view(const flatbuffers::String *string) {
  return string ? std::string_view(string->data(), string->size()) : std::string_view();
}

/// `text` with `content` for every `pattern`, which is not empty.
std::string replaceAll(std::string_view text, std::string_view pattern, std::string_view content);

/// The most bytes that rules may make of so many: what normal forms need, and no rule of which the
/// next makes more and more.
inline size_t mostBytes(size_t bytes) { return std::min(16 * bytes + 4096, size_t(256) << 20); }

/// Applies the normalizers in their order. INVALID_ARGUMENT if the text becomes too long.
absl::StatusOr<std::string> normalize(const bpe::Tables &tables, std::string text);

/// Takes a word, which is not empty.
using WordSink = absl::FunctionRef<absl::Status(std::string_view word)>;

/// Applies the splits in their order and gives the words to `sink`, whose first error ends it.
absl::Status splitIntoWords(const bpe::Tables &tables, const Segment &segment, WordSink sink);

} // namespace strata
