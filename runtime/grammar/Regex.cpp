//===- Regex.cpp - regular expressions ------------------------------------===//

#include "runtime/grammar/Regex.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/grammar/Parser.h"

#include <optional>
#include <string>
#include <utility>

namespace strata::grammar {
namespace {

const CharacterSet &lineEnds() {
  static const CharacterSet set{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return set;
}

/// What \d, \w, \s and their complements stand for.
std::optional<CharacterSet> classNamed(char32_t name) {
  static const CharacterSet digits{{'0', '9'}};
  static const CharacterSet words{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  static const CharacterSet spaces{
      {9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
      {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  switch (name) {
  case 'd':
    return digits;
  case 'D':
    return digits.complement();
  case 'w':
    return words;
  case 'W':
    return words.complement();
  case 's':
    return spaces;
  case 'S':
    return spaces.complement();
  default:
    return std::nullopt;
  }
}

std::optional<char32_t> controlNamed(char32_t name) {
  constexpr std::pair<char, char> kControls[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'},
                                                 {'f', '\f'}, {'v', '\v'}, {'0', '\0'}};
  for (const auto &[letter, control] : kControls)
    if (name == char32_t(letter))
      return char32_t(control);
  return std::nullopt;
}

bool isLetterOrDigit(char32_t c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

class RegexParser {
public:
  RegexParser(Grammar &grammar, std::string_view regex, bool isSearch, Spelling spelling)
      : grammar(grammar), input(regex), isSearch(isSearch), spelling(spelling) {}

  absl::StatusOr<Expression> parse();

private:
  absl::StatusOr<Expression> parseChoice(int depth);
  absl::StatusOr<Expression> parseAlternative(int depth);
  absl::StatusOr<Expression> parsePiece(int depth);
  absl::StatusOr<Expression> parseGroup(int depth);
  absl::StatusOr<Expression> parseRepetition(Expression piece);
  absl::StatusOr<Expression> parseClass();
  absl::StatusOr<CharacterSet> parseEscape(bool inClass);
  absl::StatusOr<CharacterSet> parseMember();
  Expression anything() { return grammar.repeat(spelling(grammar, CharacterSet::all()), {}); }

  Grammar &grammar;
  Parser input;
  const bool isSearch;
  const Spelling spelling;
};

absl::StatusOr<Expression> RegexParser::parse() {
  STRATA_ASSIGN(const Expression whole, parseChoice(0));
  if (!input.atEnd())
    return input.mismatch("the end");
  return whole;
}

absl::StatusOr<Expression> RegexParser::parseChoice(int depth) {
  if (depth > kMostGrammarDepth)
    return input.error(absl::StrCat("expected groups at most ", kMostGrammarDepth, " deep"));
  std::vector<Expression> parts;
  do {
    STRATA_ASSIGN(parts.emplace_back(), parseAlternative(depth));
  } while (input.take("|"));
  return grammar.choice(std::move(parts));
}

absl::StatusOr<Expression> RegexParser::parseAlternative(int depth) {
  std::vector<Expression> parts;
  const bool begins = depth == 0 && input.take("^");
  if (depth == 0 && isSearch && !begins)
    parts.push_back(anything());
  bool ends = false;
  while (!input.atEnd() && input.peek() != '|' && input.peek() != ')') {
    ends = depth == 0 && input.take("$");
    if (ends)
      break;
    STRATA_ASSIGN(const Expression piece, parsePiece(depth));
    STRATA_ASSIGN(parts.emplace_back(), parseRepetition(piece));
  }
  if (ends && !input.atEnd() && input.peek() != '|')
    return input.error("is not supported behind $");
  if (depth == 0 && isSearch && !ends)
    parts.push_back(anything());
  return grammar.sequence(std::move(parts));
}

absl::StatusOr<Expression> RegexParser::parsePiece(int depth) {
  if (input.take("("))
    return parseGroup(depth);
  if (input.take("["))
    return parseClass();
  if (input.take("."))
    return spelling(grammar, lineEnds().complement());
  if (input.take("\\")) {
    STRATA_ASSIGN(const CharacterSet set, parseEscape(/*inClass=*/false));
    return spelling(grammar, set);
  }
  const char32_t c = input.peek();
  if (c == '^' || c == '$')
    return input.error(absl::StrCat(
        std::string(1, char(c)), " is only supported where the whole expression begins and ends"));
  if (c == '*' || c == '+' || c == '?' || c == '{')
    return input.mismatch("something to repeat");
  const char32_t character = input.take();
  return spelling(grammar, {{character, character}});
}

absl::StatusOr<Expression> RegexParser::parseGroup(int depth) {
  if (input.take("?")) {
    const bool isNamed =
        input.take("P<") || (!input.startsWith("<=") && !input.startsWith("<!") && input.take("<"));
    if (isNamed) {
      input.takeAll([](char32_t c) { return isLetterOrDigit(c) || c == '_'; });
      if (!input.take(">"))
        return input.mismatch("\">\"");
    } else if (!input.take(":")) {
      std::string_view kind =
          input.takeAll([](char32_t c) { return c == '=' || c == '!' || c == '<'; });
      if (kind.empty())
        kind = input.takeAll(isLetterOrDigit);
      return input.error(absl::StrCat("(?", std::string(kind), "…) is not supported"));
    }
  }
  STRATA_ASSIGN(const Expression group, parseChoice(depth + 1));
  if (!input.take(")"))
    return input.mismatch("\")\"");
  return group;
}

absl::StatusOr<Expression> RegexParser::parseRepetition(Expression piece) {
  STRATA_ASSIGN(const std::optional<Repetition> times, input.takeRepetition());
  if (!times)
    return piece;
  input.take("?"); // not greedy: the same texts match
  if (input.peek() == '+' || input.peek() == '*' || input.peek() == '?' || input.peek() == '{')
    return input.mismatch("no other repetition");
  return grammar.repeat(piece, *times);
}

absl::StatusOr<Expression> RegexParser::parseClass() {
  const bool isNegated = input.take("^");
  std::vector<CharacterRange> ranges;
  while (!input.take("]")) {
    STRATA_ASSIGN(const CharacterSet first, parseMember());
    if (!input.startsWith("-") || input.startsWith("-]")) {
      ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
      continue;
    }
    input.take();
    STRATA_ASSIGN(const CharacterSet last, parseMember());
    if (first.size() != 1 || last.size() != 1)
      return input.error("expected a range between two characters");
    ranges.push_back({first.ranges()[0].first, last.ranges()[0].first});
    if (ranges.back().first > ranges.back().last)
      return input.error("expected a range whose last character is not before its first");
  }
  const CharacterSet set(std::move(ranges));
  return spelling(grammar, isNegated ? set.complement() : set);
}

absl::StatusOr<CharacterSet> RegexParser::parseMember() {
  if (input.atEnd())
    return input.mismatch("\"]\"");
  if (input.take("\\"))
    return parseEscape(/*inClass=*/true);
  const char32_t character = input.take();
  return CharacterSet{{character, character}};
}

absl::StatusOr<CharacterSet> RegexParser::parseEscape(bool inClass) {
  if (input.atEnd())
    return input.mismatch("a character behind \\");
  char32_t c = input.take();
  if (const auto named = classNamed(c))
    return *named;
  if (const auto control = controlNamed(c))
    return CharacterSet{{*control, *control}};
  if (c == 'x' || (c == 'u' && !input.startsWith("{"))) {
    STRATA_ASSIGN(const char32_t value, input.takeHex(c == 'x' ? 2 : 4));
    const CharacterSet set{{value, value}};
    return set.empty() ? absl::StatusOr<CharacterSet>(
                             input.error("expected the number of a character, found a surrogate's"))
                       : set;
  }
  if (inClass && c == 'b')
    c = '\b';
  else if (isLetterOrDigit(c))
    return input.error(absl::StrCat("\\", std::string(1, char(c)), " is not supported"));
  return CharacterSet{{c, c}};
}

} // namespace

absl::StatusOr<Expression> addRegex(Grammar &grammar, std::string_view regex, bool isSearch,
                                    Spelling spelling) {
  STRATA_TRY(Parser::check(regex));
  return RegexParser(grammar, regex, isSearch, spelling).parse();
}

absl::StatusOr<Grammar> parseRegex(std::string_view regex) {
  Grammar grammar;
  const Rule root = grammar.addRule("root");
  STRATA_ASSIGN(const Expression whole,
                addRegex(grammar, regex, /*isSearch=*/false,
                         [](Grammar &to, const CharacterSet &set) { return to.characters(set); }));
  grammar.define(root, whole);
  return grammar;
}

} // namespace strata::grammar
