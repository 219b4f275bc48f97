//===- Grammar.cpp - what a text may be -----------------------------------===//

#include "runtime/grammar/Grammar.h"

#include <algorithm>

namespace strata::grammar {

using Kind = Grammar::Term::Kind;

Grammar::Grammar() {
  terms.push_back({.kind = Kind::sequence});
  terms.push_back({.kind = Kind::choice});
}

Expression Grammar::add(Term term) {
  terms.push_back(std::move(term));
  return Expression(terms.size() - 1);
}

Expression Grammar::bytes(std::string_view text) {
  return text.empty() ? kEmpty : add({.kind = Kind::bytes, .text = std::string(text)});
}

Expression Grammar::characters(CharacterSet set) {
  return set.empty() ? kNever : add({.kind = Kind::characters, .set = std::move(set)});
}

Expression Grammar::sequence(std::vector<Expression> parts) {
  if (std::ranges::find(parts, kNever) != parts.end())
    return kNever;
  std::erase(parts, kEmpty);
  if (parts.size() <= 1)
    return parts.empty() ? kEmpty : parts[0];
  return add({.kind = Kind::sequence, .parts = std::move(parts)});
}

Expression Grammar::choice(std::vector<Expression> parts) {
  std::erase(parts, kNever);
  if (parts.size() <= 1)
    return parts.empty() ? kNever : parts[0];
  return add({.kind = Kind::choice, .parts = std::move(parts)});
}

Expression Grammar::repeat(Expression part, Repetition times) {
  if (part == kNever)
    return times.least == 0 ? kEmpty : kNever;
  if (part == kEmpty || times.most == 0u)
    return kEmpty;
  if (times == Repetition{1, 1})
    return part;
  return add({.kind = Kind::repetition, .parts = {part}, .times = times});
}

Expression Grammar::call(Rule rule) { return add({.kind = Kind::call, .rule = rule}); }

Rule Grammar::addRule(std::string name) {
  names.push_back(std::move(name));
  contents.push_back(kNever);
  return Rule(contents.size() - 1);
}

} // namespace strata::grammar
