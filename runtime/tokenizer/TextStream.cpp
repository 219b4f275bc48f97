//===- TextStream.cpp - bytes to whole UTF-8 characters -------------------===//
#include "runtime/tokenizer/TextStream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace strata {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

/// The beginning of a text, judged by the Unicode standard's table 3-7 of well-formed sequences.
struct Prefix {
  enum Kind { character, incomplete, invalid } kind;
  size_t length; // bytes of the character; if invalid, those before the one that is wrong, or 1
};

struct Lead {
  size_t length;                // bytes of the character; 0: no character begins so
  uint8_t secondMin, secondMax; // what its second byte may be
};

} // namespace

static Lead leadOf(uint8_t byte) {
  if (byte < 0x80)
    return {1, 0, 0};
  if (byte < 0xC2 || byte > 0xF4)
    return {0, 0, 0};
  if (byte < 0xE0)
    return {2, 0x80, 0xBF};
  if (byte < 0xF0) // no overlong forms, no surrogates
    return {3, uint8_t(byte == 0xE0 ? 0xA0 : 0x80), uint8_t(byte == 0xED ? 0x9F : 0xBF)};
  return {4, uint8_t(byte == 0xF0 ? 0x90 : 0x80), uint8_t(byte == 0xF4 ? 0x8F : 0xBF)};
}

/// `text` is not empty.
static Prefix classify(std::string_view text) {
  const Lead lead = leadOf(static_cast<uint8_t>(text[0]));
  const size_t present = std::min(lead.length, text.size());
  for (size_t i = 1; i < present; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < (i == 1 ? lead.secondMin : 0x80) || byte > (i == 1 ? lead.secondMax : 0xBF))
      return {Prefix::invalid, i};
  }
  if (lead.length == 0)
    return {Prefix::invalid, 1};
  return {text.size() < lead.length ? Prefix::incomplete : Prefix::character, lead.length};
}

std::string TextStream::push(std::string_view bytes, Malformed as) {
  malformed = as;
  pending.append(bytes);
  std::string text;
  std::string_view rest = pending;
  while (!rest.empty()) {
    const Prefix prefix = classify(rest);
    if (prefix.kind == Prefix::incomplete)
      break;
    const bool valid = prefix.kind == Prefix::character;
    text.append(valid ? rest.substr(0, prefix.length) : kReplacement);
    rest.remove_prefix(valid || as == Malformed::sequence ? prefix.length : 1);
  }
  pending.erase(0, pending.size() - rest.size());
  return text;
}

std::string TextStream::flush() {
  std::string text;
  const size_t count = malformed == Malformed::everyByte ? pending.size() : !pending.empty();
  for (size_t i = 0; i < count; ++i)
    text.append(kReplacement);
  pending.clear();
  return text;
}

bool isWellFormed(std::string_view text) {
  while (!text.empty()) {
    const Prefix prefix = classify(text);
    if (prefix.kind != Prefix::character)
      return false;
    text.remove_prefix(prefix.length);
  }
  return true;
}

std::string wellFormed(std::string_view text) {
  if (isWellFormed(text))
    return std::string(text);
  TextStream stream;
  std::string result = stream.push(text);
  return result + stream.flush();
}

} // namespace strata
