//===- Utf8.h - characters of well-formed UTF-8 -----------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

/// Bytes of the character that begins with `lead`. `lead` is the first byte of a well-formed one.
inline size_t characterBytes(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// The first character of `text`, which is well formed and not empty.
inline char32_t firstCharacter(std::string_view text) {
  const size_t bytes = characterBytes(text[0]);
  const auto lead = static_cast<uint8_t>(text[0]);
  char32_t result = bytes == 1 ? lead : lead & (0x7F >> bytes);
  for (size_t i = 1; i < bytes; ++i)
    result = result << 6 | (static_cast<uint8_t>(text[i]) & 0x3F);
  return result;
}

/// The last character of `text`, which is well formed and not empty.
inline char32_t lastCharacter(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80)
    --begin;
  return firstCharacter(text.substr(begin));
}

/// Appends the UTF-8 of a character, which is none of surrogates.
void appendCharacter(char32_t character, std::string &text);

/// Unicode's White_Space.
inline bool isWhiteSpace(char32_t c) {
  return (c >= 0x9 && c <= 0xD) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/// Bytes of white space that `text`, which is well formed, begins or ends with.
size_t whiteSpaceAtBegin(std::string_view text);
size_t whiteSpaceAtEnd(std::string_view text);

} // namespace strata
