//===- JsonRules.cpp - JSON's values as expressions -----------------------===//

#include "runtime/grammar/JsonRules.h"

#include "absl/strings/str_format.h"
#include "runtime/base/Utf8.h"
#include "runtime/grammar/Automaton.h"

#include <algorithm>

namespace strata::grammar {
namespace {

constexpr uint32_t kWholeDigits = 18, kFractionDigits = 17, kExponentDigits = 2;
constexpr uint32_t kMostIndent = 20;

/// What a string cannot hold as it is.
const CharacterSet &escaped() {
  static const CharacterSet set{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  return set;
}

std::string spellCharacter(char32_t character) {
  constexpr std::pair<char, char> kShort[] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                                              {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};
  for (const auto &[control, letter] : kShort)
    if (character == char32_t(control))
      return {'\\', letter};
  if (character < 0x20)
    return absl::StrFormat("\\u%04x", uint32_t(character));
  std::string text;
  appendCharacter(character, text);
  return text;
}

std::vector<char32_t> charactersOf(std::string_view text) {
  std::vector<char32_t> characters;
  for (; !text.empty(); text.remove_prefix(characterBytes(text[0])))
    characters.push_back(firstCharacter(text));
  return characters;
}

} // namespace

JsonRules::JsonRules(Grammar &grammar)
    : grammar(grammar),
      gap(grammar.optional(grammar.choice(
          {grammar.bytes(" "),
           grammar.sequence(
               {grammar.bytes("\n"), grammar.repeat(grammar.characters({{' ', ' '}, {'\t', '\t'}}),
                                                    {0, kMostIndent})})}))) {}

Expression JsonRules::rule(const char *name, Expression (JsonRules::*make)()) {
  const auto known = rules.find(name);
  if (known != rules.end())
    return grammar.call(known->second);
  const Rule made = rules[name] = grammar.addRule(name);
  grammar.define(made, (this->*make)());
  return grammar.call(made);
}

Expression JsonRules::value() { return rule("value", &JsonRules::anyValue); }
Expression JsonRules::object() { return rule("object", &JsonRules::anyObject); }
Expression JsonRules::array() { return rule("array", &JsonRules::anyArray); }
Expression JsonRules::string() { return rule("string", &JsonRules::anyString); }
Expression JsonRules::number() { return rule("number", &JsonRules::anyNumber); }
Expression JsonRules::integer() { return rule("integer", &JsonRules::anyInteger); }

Expression JsonRules::anyValue() {
  return grammar.choice({object(), array(), string(), number(), boolean(), grammar.bytes("null")});
}

Expression JsonRules::anyObject() { return list("{", member(string(), value()), {}, "}"); }
Expression JsonRules::anyArray() { return list("[", value(), {}, "]"); }
Expression JsonRules::anyString() { return string(Repetition{}); }

Expression JsonRules::boolean() {
  return grammar.choice({grammar.bytes("true"), grammar.bytes("false")});
}

Expression JsonRules::digits(uint32_t least, uint32_t most) {
  return grammar.repeat(oneOf({{'0', '9'}}), {least, most});
}

Expression JsonRules::anyInteger() {
  return grammar.sequence(
      {grammar.optional(grammar.bytes("-")),
       grammar.choice({grammar.bytes("0"),
                       grammar.sequence({oneOf({{'1', '9'}}), digits(0, kWholeDigits - 1)})})});
}

Expression JsonRules::anyNumber() {
  const Expression fraction = grammar.sequence({grammar.bytes("."), digits(1, kFractionDigits)});
  const Expression exponent = grammar.sequence({oneOf({{'e', 'e'}, {'E', 'E'}}),
                                                grammar.optional(oneOf({{'+', '+'}, {'-', '-'}})),
                                                digits(1, kExponentDigits)});
  return grammar.sequence({integer(), grammar.optional(fraction), grammar.optional(exponent)});
}

/// As it is or escaped; never half of a pair of surrogates.
Expression JsonRules::characterOfString() {
  const Expression hex = oneOf({{'0', '9'}, {'a', 'f'}, {'A', 'F'}});
  const Expression d = oneOf({{'d', 'd'}, {'D', 'D'}}), u = grammar.bytes("\\u");
  const Expression low = oneOf({{'c', 'f'}, {'C', 'F'}});
  const Expression high = oneOf({{'8', '9'}, {'a', 'b'}, {'A', 'B'}});
  const CharacterSet letters{{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'b', 'b'},
                             {'f', 'f'}, {'n', 'n'},   {'r', 'r'}, {'t', 't'}};
  return grammar.choice(
      {grammar.characters(escaped().complement()),
       grammar.sequence({grammar.bytes("\\"), grammar.characters(letters)}),
       grammar.sequence(
           {u, oneOf({{'0', '9'}, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}}), hex, hex, hex}),
       grammar.sequence({u, d, oneOf({{'0', '7'}}), hex, hex}),
       grammar.sequence({u, d, high, hex, hex, u, d, low, hex, hex})});
}

Expression JsonRules::string(Repetition length) {
  const Expression quote = grammar.bytes("\"");
  return grammar.sequence({quote, grammar.repeat(characterOfString(), length), quote});
}

Expression JsonRules::string(std::string_view text) {
  std::string spelled = "\"";
  for (char32_t character : charactersOf(text))
    spelled += spellCharacter(character);
  return grammar.bytes(spelled + "\"");
}

Expression JsonRules::character(Grammar &grammar, const CharacterSet &set) {
  std::vector<Expression> parts = {grammar.characters(set.without(escaped()))};
  const CharacterSet rest = set.intersection(escaped());
  for (const auto &[first, last] : rest.ranges())
    for (char32_t character = first; character <= last; ++character)
      parts.push_back(grammar.bytes(spellCharacter(character)));
  return grammar.choice(std::move(parts));
}

/// Along the texts, sorted, one character after the other: what leaves them may be anything.
Expression JsonRules::stringBut(std::span<const std::string> texts) {
  const Expression anything = grammar.repeat(character(grammar, CharacterSet::all()), {});
  struct Branch {
    std::vector<std::vector<char32_t>> texts;
    Rule rule;
  };
  std::vector<Branch> open = {{{}, grammar.addRule("other")}};
  for (const std::string &text : texts)
    open[0].texts.push_back(charactersOf(text));
  const Rule first = open[0].rule;
  for (size_t i = 0; i < open.size() && open.size() <= kMostStates; ++i) { // more are refused
    const Branch branch = std::move(open[i]);
    std::map<char32_t, std::vector<std::vector<char32_t>>> next; // texts by their first character
    bool isWhole = false;
    for (const auto &text : branch.texts) {
      isWhole |= text.empty();
      if (!text.empty())
        next[text[0]].emplace_back(text.begin() + 1, text.end());
    }
    std::vector<CharacterRange> taken;
    std::vector<Expression> parts;
    for (auto &[character, rests] : next) {
      taken.push_back({character, character});
      open.push_back({std::move(rests), grammar.addRule("other")});
      parts.push_back(grammar.sequence(
          {grammar.bytes(spellCharacter(character)), grammar.call(open.back().rule)}));
    }
    if (!isWhole)
      parts.push_back(grammar.empty());
    parts.push_back(grammar.sequence(
        {character(grammar, CharacterSet(std::move(taken)).complement()), anything}));
    grammar.define(branch.rule, grammar.choice(std::move(parts)));
  }
  return grammar.sequence({grammar.bytes("\""), grammar.call(first), grammar.bytes("\"")});
}

Expression JsonRules::member(Expression name, Expression content) {
  return grammar.sequence({name, grammar.bytes(":"), gap, content});
}

Expression JsonRules::list(std::string_view open, Expression part, Repetition times,
                           std::string_view close) {
  const Expression more = grammar.sequence({grammar.bytes(","), gap, part});
  Repetition rest = {times.least - (times.least > 0), times.most};
  if (rest.most)
    *rest.most -= *rest.most > 0;
  Expression parts = times.most == 0u ? grammar.empty()
                                      : grammar.sequence({gap, part, grammar.repeat(more, rest)});
  if (times.least == 0)
    parts = grammar.optional(parts);
  return grammar.sequence({grammar.bytes(open), parts, gap, grammar.bytes(close)});
}

Expression JsonRules::constant(const JsonTree &value) {
  std::vector<Expression> parts;
  const auto add = [&](Expression part) {
    parts.push_back(parts.empty() ? grammar.sequence({gap, part})
                                  : grammar.sequence({grammar.bytes(","), gap, part}));
  };
  switch (value.kind) {
  case JsonTree::Kind::null:
    return grammar.bytes("null");
  case JsonTree::Kind::boolean:
    return grammar.bytes(value.truth ? "true" : "false");
  case JsonTree::Kind::number:
    return grammar.bytes(spellNumber(value));
  case JsonTree::Kind::string:
    return string(value.text);
  case JsonTree::Kind::array:
    for (const JsonTree &item : value.items)
      add(constant(item));
    return grammar.sequence(
        {grammar.bytes("["), grammar.sequence(std::move(parts)), gap, grammar.bytes("]")});
  case JsonTree::Kind::object:
    for (const auto &[key, content] : value.members)
      add(member(string(key), constant(content)));
    return grammar.sequence(
        {grammar.bytes("{"), grammar.sequence(std::move(parts)), gap, grammar.bytes("}")});
  }
  return grammar.never();
}

Grammar jsonObjects() {
  Grammar grammar;
  const Rule root = grammar.addRule("root");
  grammar.define(root, JsonRules(grammar).object());
  return grammar;
}

} // namespace strata::grammar
