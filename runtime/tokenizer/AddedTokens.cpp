//===- AddedTokens.cpp - strings that become ids in any text --------------===//
#include "runtime/tokenizer/AddedTokens.h"

#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/BpeRules.h"
#include "runtime/tokenizer/UnicodeWords.h"

#include <algorithm>

namespace strata {

AddedTokens::AddedTokens(const bpe::Tables &tables, bool normalized) : tables(&tables) {
  for (const bpe::Added *token : itemsOf(tables.added()))
    if (token->normalized() == normalized)
      tokens.push_back(token);
  std::sort(tokens.begin(), tokens.end(),
            [](auto *a, auto *b) { return view(a->text()) < view(b->text()); });
}

/// Narrows the range of tokens that begin as `text` does, byte by byte.
const bpe::Added *AddedTokens::longestAt(std::string_view text) const {
  auto begin = tokens.begin(), end = tokens.end();
  const bpe::Added *longest = nullptr;
  for (size_t length = 0; begin != end; ++length) {
    if (view((*begin)->text()).size() == length)
      longest = *begin++; // what is longer comes behind
    if (length == text.size())
      break;
    const auto byteOf = [&](const bpe::Added *token) {
      return uint8_t(token->text()->data()[length]);
    };
    const uint8_t byte = text[length];
    begin = std::partition_point(begin, end, [&](auto *token) { return byteOf(token) < byte; });
    end = std::partition_point(begin, end, [&](auto *token) { return byteOf(token) == byte; });
  }
  return longest;
}

/// Whether no part of a word is beside text[begin .. end).
static bool isSingleWord(std::string_view text, size_t begin, size_t end) {
  size_t before = begin; // where the character before begins
  while (before > 0 && (uint8_t(text[before - 1]) & 0xC0) == 0x80)
    --before;
  return (begin == 0 || !isWordCharacter(firstCharacter(text.substr(before - 1)))) &&
         (end == text.size() || !isWordCharacter(firstCharacter(text.substr(end))));
}

std::vector<AddedPart> AddedTokens::split(std::string_view text, bool special) const {
  std::vector<AddedPart> parts;
  size_t done = 0; // the end of the last part
  for (size_t at = 0; at < text.size();) {
    const bpe::Added *token = longestAt(text.substr(at));
    if (!token) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + token->text()->size();
    at = end;
    if (!special && tables->kinds()->Get(token->id()) == bpe::Kind::special)
      continue;
    if (token->single_word() && !isSingleWord(text, begin, end))
      continue;
    if (token->strip_left())
      begin = std::max(begin - whiteSpaceAtEnd(text.substr(0, begin)), done);
    if (token->strip_right())
      end += whiteSpaceAtBegin(text.substr(end));
    if (done < begin)
      parts.push_back({nullptr, done, begin});
    if (begin < end) // else the token before, which strips its right, has taken it
      parts.push_back({token, begin, end});
    done = end;
  }
  if (done < text.size())
    parts.push_back({nullptr, done, text.size()});
  return parts;
}

} // namespace strata
