//===- Normalize.cpp - Unicode's normal forms, small letters --------------===//
#include "runtime/tokenizer/Normalize.h"

#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/UnicodeTables.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace strata {

static constexpr size_t kPartBytes = 64 << 10; // the library takes 4 bytes for a character of them

static bool isAscii(char byte) { return static_cast<uint8_t>(byte) < 0x80; }

/// Where the first part of a text ends: before a character that nothing before it is joined or
/// reordered with, which those of ASCII are.
static size_t partEnd(std::string_view text) {
  size_t end = std::min(kPartBytes, text.size());
  while (end < text.size() && !isAscii(text[end]))
    ++end;
  return end;
}

/// How much of a text the library may see, up to the first character that is newer.
static size_t knownBytes(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && !isNewer(firstCharacter(text.substr(at))))
    at += characterBytes(text[at]);
  return at;
}

static absl::Status appendNormalForm(std::string_view text, NormalForm form, std::string &result) {
  const auto options = utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_COMPOSE |
                                         (form == NormalForm::nfkc ? UTF8PROC_COMPAT : 0));
  utf8proc_uint8_t *bytes = nullptr;
  const utf8proc_ssize_t count =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                   utf8proc_ssize_t(text.size()), &bytes, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  if (count < 0)
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot normalize the text: ", utf8proc_errmsg(count)));
  result.append(reinterpret_cast<const char *>(bytes), size_t(count));
  return absl::OkStatus();
}

absl::StatusOr<std::string> normalForm(std::string_view text, NormalForm form, size_t most) {
  if (std::all_of(text.begin(), text.end(), isAscii))
    return std::string(text);
  std::string result;
  while (!text.empty()) {
    std::string_view part = text.substr(0, partEnd(text));
    text.remove_prefix(part.size());
    if (result.size() > most)
      return absl::InvalidArgumentError(
          absl::StrCat("text: expected at most ", most, " bytes in its normal form, found more"));
    while (!part.empty()) {
      const size_t known = knownBytes(part);
      STRATA_TRY(appendNormalForm(part.substr(0, known), form, result));
      part.remove_prefix(known);
      const size_t newer = part.empty() ? 0 : characterBytes(part[0]);
      result.append(part.substr(0, newer));
      part.remove_prefix(newer);
    }
  }
  return result;
}

std::string smallLetters(std::string_view text) {
  constexpr std::string_view kDottedCapital = "\xC4\xB0", kDottedSmall = "i\xCC\x87"; // U+0130
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::string_view character = text.substr(0, characterBytes(text[0]));
    text.remove_prefix(character.size());
    if (character == kDottedCapital)
      result.append(kDottedSmall);
    else
      appendCharacter(smallLetter(firstCharacter(character)), result);
  }
  return result;
}

} // namespace strata
