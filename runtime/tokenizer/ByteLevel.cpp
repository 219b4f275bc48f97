//===- ByteLevel.cpp - bytes written as characters ------------------------===//
#include "runtime/tokenizer/ByteLevel.h"

#include "runtime/base/Utf8.h"

#include <array>
#include <cstdint>

namespace strata {
namespace {

constexpr bool isVisible(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// By byte: its character.
constexpr std::array<char16_t, 256> kCharacters = [] {
  std::array<char16_t, 256> characters{};
  char16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    characters[byte] = isVisible(byte) ? char16_t(byte) : next++;
  return characters;
}();
constexpr char32_t kEnd = 0x144;

/// By character: its byte; -1: it has none.
constexpr std::array<int16_t, kEnd> kBytes = [] {
  std::array<int16_t, kEnd> bytes{};
  bytes.fill(-1);
  for (int byte = 0; byte < 256; ++byte)
    bytes[kCharacters[byte]] = int16_t(byte);
  return bytes;
}();

} // namespace

std::string bytesAsCharacters(std::string_view text) {
  std::string result;
  result.reserve(text.size() * 3 / 2);
  for (char byte : text) {
    const char16_t character = kCharacters[uint8_t(byte)];
    if (character >= 0x80)
      result.push_back(char(0xC0 | character >> 6));
    result.push_back(char(character < 0x80 ? character : 0x80 | (character & 0x3F)));
  }
  return result;
}

std::optional<std::string> charactersAsBytes(std::string_view characters) {
  std::string bytes;
  for (; !characters.empty(); characters.remove_prefix(characterBytes(characters[0]))) {
    const char32_t character = firstCharacter(characters);
    if (character >= kEnd || kBytes[character] < 0)
      return std::nullopt;
    bytes.push_back(char(kBytes[character]));
  }
  return bytes;
}

} // namespace strata
