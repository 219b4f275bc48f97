//===- AddedTokens.h - strings that become ids in any text ------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Bpe_generated.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace strata {

/// A part of a text: an added token, or what lies between two.
struct AddedPart {
  const bpe::Added *token = nullptr; // null: text
  size_t begin, end;                 // bytes
};

/// The added tokens of verified tables that are looked for at the same time: in the text as it is,
/// or in the normalized text.
class AddedTokens {
public:
  AddedTokens(const bpe::Tables &tables, bool normalized);

  /// Cuts `text`, well-formed UTF-8, at the tokens: the leftmost first, of those that begin at the
  /// same place the longest. Special ones stay text unless `special`. Parts of text are not empty,
  /// but that of an empty text. O(length of the text × length of the longest token).
  std::vector<AddedPart> split(std::string_view text, bool special) const;

private:
  const bpe::Added *longestAt(std::string_view text) const;

  const bpe::Tables *tables;
  std::vector<const bpe::Added *> tokens; // by ascending text
};

} // namespace strata
