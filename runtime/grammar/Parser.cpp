//===- Parser.cpp - what grammars are read with ---------------------------===//

#include "runtime/grammar/Parser.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/TextStream.h"

#include <algorithm>

namespace strata::grammar {

absl::Status Parser::check(std::string_view text) {
  if (text.size() > kMostGrammarBytes)
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMostGrammarBytes, " bytes, found ", text.size()));
  if (!isWellFormed(text))
    return absl::InvalidArgumentError("expected UTF-8, found other bytes");
  return absl::OkStatus();
}

char32_t Parser::peek() const { return atEnd() ? 0 : firstCharacter(text.substr(at)); }

char32_t Parser::take() {
  const char32_t character = peek();
  if (!atEnd())
    at += characterBytes(text[at]);
  return character;
}

bool Parser::take(std::string_view what) {
  const bool isNext = startsWith(what);
  at += isNext ? what.size() : 0;
  return isNext;
}

std::string_view Parser::takeAll(bool (*isWanted)(char32_t)) {
  const size_t begin = at;
  while (!atEnd() && isWanted(peek()))
    take();
  return text.substr(begin, at - begin);
}

absl::StatusOr<char32_t> Parser::takeHex(int digits) {
  char32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    const char32_t c = peek();
    if (c >= '0' && c <= '9')
      value = value << 4 | (c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
      value = value << 4 | ((c | 0x20) - 'a' + 10);
    else
      return mismatch(absl::StrCat(digits, " hexadecimal digits"));
    take();
  }
  return value;
}

absl::StatusOr<uint32_t> Parser::takeNumber() {
  if (peek() < '0' || peek() > '9')
    return mismatch("a number of repetitions");
  uint32_t value = 0;
  while (peek() >= '0' && peek() <= '9') {
    value = value * 10 + uint32_t(take() - '0');
    if (value > kMostRepetitions)
      return error(absl::StrCat("expected at most ", kMostRepetitions, " repetitions, found more"));
  }
  return value;
}

absl::StatusOr<Repetition> Parser::takeTimes() {
  Repetition times;
  STRATA_ASSIGN(times.least, takeNumber());
  times.most = times.least;
  if (take(",")) {
    times.most.reset();
    if (peek() != '}') {
      STRATA_ASSIGN(times.most, takeNumber());
    }
  }
  if (!take("}"))
    return mismatch("\"}\"");
  if (times.most && *times.most < times.least)
    return error(absl::StrCat("expected at least ", times.least, " repetitions at most, found ",
                              *times.most));
  return times;
}

absl::StatusOr<std::optional<Repetition>> Parser::takeRepetition() {
  if (take("*"))
    return Repetition();
  if (take("+"))
    return Repetition{.least = 1};
  if (take("?"))
    return Repetition{.most = 1};
  if (take("{"))
    return takeTimes();
  return std::nullopt;
}

absl::Status Parser::error(std::string_view message) const {
  const std::string_view before = text.substr(0, at);
  const size_t line = size_t(std::ranges::count(before, '\n'));
  const size_t begin = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  const auto column = std::ranges::count_if(before.substr(begin),
                                            [](char c) { return (uint8_t(c) & 0xC0) != 0x80; });
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", std::string(message)));
}

absl::Status Parser::mismatch(std::string_view expected) const {
  const std::string_view rest = text.substr(at);
  return error(
      absl::StrCat("expected ", std::string(expected), ", found ",
                   rest.empty() ? "the end" : quote(rest.substr(0, characterBytes(rest[0])))));
}

} // namespace strata::grammar
