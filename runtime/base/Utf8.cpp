//===- Utf8.cpp - characters of well-formed UTF-8 -------------------------===//
#include "runtime/base/Utf8.h"

namespace strata {

void appendCharacter(char32_t character, std::string &text) {
  const int more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  constexpr uint8_t kLeads[] = {0x00, 0xC0, 0xE0, 0xF0};
  text.push_back(char(kLeads[more] | character >> (6 * more)));
  for (int i = more - 1; i >= 0; --i)
    text.push_back(char(0x80 | (character >> (6 * i) & 0x3F)));
}

size_t whiteSpaceAtBegin(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && isWhiteSpace(firstCharacter(text.substr(end))))
    end += characterBytes(text[end]);
  return end;
}

size_t whiteSpaceAtEnd(std::string_view text) {
  const auto isContinuation = [](char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; };
  size_t begin = text.size();
  while (begin > 0) {
    size_t last = begin - 1;
    while (last > 0 && isContinuation(text[last]))
      --last;
    if (!isWhiteSpace(firstCharacter(text.substr(last))))
      break;
    begin = last;
  }
  return text.size() - begin;
}

} // namespace strata
