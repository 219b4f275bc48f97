//===- Gbnf.cpp - grammars as llama.cpp writes them -----------------------===//

#include "runtime/grammar/Gbnf.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/grammar/Parser.h"

#include <map>
#include <set>
#include <string>

namespace strata::grammar {
namespace {

bool isName(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

class GbnfParser {
public:
  explicit GbnfParser(std::string_view text) : input(text) {}

  absl::StatusOr<Grammar> parse();

private:
  absl::Status parseRule();
  absl::StatusOr<Expression> parseChoice(int depth);
  absl::StatusOr<Expression> parseSequence(int depth);
  absl::StatusOr<Expression> parsePiece(int depth);
  absl::StatusOr<Expression> parseRepetitions(Expression piece, int depth);
  absl::StatusOr<Expression> parseText();
  absl::StatusOr<Expression> parseClass();
  absl::StatusOr<char32_t> parseCharacter();
  void skipSpace(bool lineEnds);
  Rule ruleOf(std::string_view name);

  Parser input;
  Grammar grammar;
  std::map<std::string, Rule, std::less<>> rules;
  std::set<Rule> defined;
};

/// Blanks and comments; line ends, too, or up to the first of them.
void GbnfParser::skipSpace(bool lineEnds) {
  for (;;) {
    if (input.peek() == '#')
      input.takeAll([](char32_t c) { return c != '\n' && c != '\r'; });
    const char32_t c = input.peek();
    if (c != ' ' && c != '\t' && !(lineEnds && (c == '\n' || c == '\r')))
      return;
    input.take();
  }
}

Rule GbnfParser::ruleOf(std::string_view name) {
  const auto known = rules.find(name);
  if (known != rules.end())
    return known->second;
  return rules[std::string(name)] = grammar.addRule(std::string(name));
}

absl::StatusOr<Grammar> GbnfParser::parse() {
  const Rule root = ruleOf("root"); // the first
  skipSpace(true);
  while (!input.atEnd()) {
    STRATA_TRY(parseRule());
    skipSpace(true);
  }
  if (!defined.contains(root))
    return absl::InvalidArgumentError("expected a rule root, found none");
  for (const auto &[name, rule] : rules)
    if (!defined.contains(rule))
      return absl::InvalidArgumentError(
          absl::StrCat("rule ", printable(name), " is called, but there is no such rule"));
  return std::move(grammar);
}

absl::Status GbnfParser::parseRule() {
  const std::string_view name = input.takeAll(isName);
  if (name.empty())
    return input.mismatch("the name of a rule");
  const Rule rule = ruleOf(name);
  if (!defined.insert(rule).second)
    return input.error(absl::StrCat("rule ", printable(name), " is defined twice"));
  skipSpace(false);
  if (!input.take("::="))
    return input.mismatch("\"::=\"");
  skipSpace(true);
  STRATA_ASSIGN(const Expression content, parseChoice(0));
  if (!input.atEnd() && input.peek() != '\n' && input.peek() != '\r')
    return input.mismatch("the end of the rule");
  grammar.define(rule, content);
  return absl::OkStatus();
}

absl::StatusOr<Expression> GbnfParser::parseChoice(int depth) {
  if (depth > kMostGrammarDepth)
    return input.error(absl::StrCat("expected groups at most ", kMostGrammarDepth, " deep"));
  std::vector<Expression> parts;
  do {
    skipSpace(!parts.empty() || depth > 0);
    STRATA_ASSIGN(parts.emplace_back(), parseSequence(depth));
  } while (input.take("|"));
  return grammar.choice(std::move(parts));
}

absl::StatusOr<Expression> GbnfParser::parseSequence(int depth) {
  std::vector<Expression> parts;
  for (;;) {
    const char32_t c = input.peek();
    if (input.atEnd() || c == '|' || c == ')' || c == '\n' || c == '\r')
      return grammar.sequence(std::move(parts));
    STRATA_ASSIGN(const Expression piece, parsePiece(depth));
    skipSpace(depth > 0);
    STRATA_ASSIGN(parts.emplace_back(), parseRepetitions(piece, depth));
  }
}

absl::StatusOr<Expression> GbnfParser::parsePiece(int depth) {
  if (input.take("\""))
    return parseText();
  if (input.take("["))
    return parseClass();
  if (input.take("."))
    return grammar.characters(CharacterSet::all());
  if (input.take("(")) {
    STRATA_ASSIGN(const Expression group, parseChoice(depth + 1));
    if (!input.take(")"))
      return input.mismatch("\")\"");
    return group;
  }
  if (input.peek() == '<' || input.startsWith("!<"))
    return input.error("tokens are not supported");
  const std::string_view name = input.takeAll(isName);
  if (name.empty())
    return input.mismatch("a text, a class, a group or a rule's name");
  return grammar.call(ruleOf(name));
}

absl::StatusOr<Expression> GbnfParser::parseRepetitions(Expression piece, int depth) {
  for (int count = 0;; ++count) {
    STRATA_ASSIGN(const std::optional<Repetition> times, input.takeRepetition());
    if (!times)
      return piece;
    if (count + depth > kMostGrammarDepth)
      return input.error(absl::StrCat("expected repetitions at most ", kMostGrammarDepth, " deep"));
    piece = grammar.repeat(piece, *times);
    skipSpace(depth > 0);
  }
}

absl::StatusOr<Expression> GbnfParser::parseText() {
  std::string text;
  while (!input.take("\"")) {
    if (input.atEnd())
      return input.mismatch("'\"'");
    STRATA_ASSIGN(const char32_t character, parseCharacter());
    appendCharacter(character, text);
  }
  return grammar.bytes(text);
}

absl::StatusOr<Expression> GbnfParser::parseClass() {
  const bool isNegated = input.take("^");
  std::vector<CharacterRange> ranges;
  while (!input.take("]")) {
    if (input.atEnd())
      return input.mismatch("\"]\"");
    STRATA_ASSIGN(const char32_t first, parseCharacter());
    char32_t last = first;
    if (input.startsWith("-") && !input.startsWith("-]")) {
      input.take();
      STRATA_ASSIGN(last, parseCharacter());
      if (last < first)
        return input.error("expected a range whose last character is not before its first");
    }
    ranges.push_back({first, last});
  }
  const CharacterSet set(std::move(ranges));
  return grammar.characters(isNegated ? set.complement() : set);
}

/// One of a text or a class, perhaps escaped.
absl::StatusOr<char32_t> GbnfParser::parseCharacter() {
  if (input.atEnd())
    return input.mismatch("a character");
  if (!input.take("\\"))
    return input.take();
  const char32_t escape = input.take();
  char32_t value = escape;
  if (escape == 'x' || escape == 'u' || escape == 'U') {
    STRATA_ASSIGN(value, input.takeHex(escape == 'x' ? 2 : escape == 'u' ? 4 : 8));
    if (CharacterSet({{value, value}}).empty())
      return input.error("expected the number of a character, found another");
  } else if (escape == 'n') {
    value = '\n';
  } else if (escape == 'r') {
    value = '\r';
  } else if (escape == 't') {
    value = '\t';
  } else if (escape != '\\' && escape != '"' && escape != '[' && escape != ']' && escape != '-') {
    return input.error("expected one of \\x \\u \\U \\n \\r \\t \\\\ \\\" \\[ \\] \\-");
  }
  return value;
}

} // namespace

absl::StatusOr<Grammar> parseGbnf(std::string_view text) {
  STRATA_TRY(Parser::check(text));
  return GbnfParser(text).parse();
}

} // namespace strata::grammar
