//===- ModulePattern.cpp - which modules a text names ---------------------===//

#include "frontend/ModulePattern.h"

#include "runtime/base/Status.h"
#include "runtime/grammar/Configurations.h"
#include "runtime/grammar/Regex.h"

#include "absl/strings/str_split.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace strata {
namespace {

constexpr std::string_view kExpression = "re:";
/// Classes that a linear module is of.
constexpr std::string_view kClasses[] = {"Linear", "Module"};

/// The same with each alternative of the whole bound to the start: Python's re.match looks there
/// alone.
std::string bindToStart(std::string_view regex) {
  std::string bound;
  int depth = 0;
  bool begins = true, inClass = false;
  for (size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    if (begins && c != '^')
      bound += '^';
    begins = !inClass && depth == 0 && c == '|';
    bound += c;
    if (c == '\\' && i + 1 < regex.size())
      bound += regex[++i];
    else if (inClass || c == '[')
      inClass = c != ']';
    else if (c == '(' || c == ')')
      depth += c == '(' ? 1 : -1;
  }
  return begins ? bound + '^' : bound;
}

absl::StatusOr<grammar::Automaton> compile(std::string_view regex) {
  grammar::Grammar grammar;
  const grammar::Rule root = grammar.addRule("root");
  const absl::StatusOr<grammar::Expression> whole = addRegex(
      grammar, bindToStart(regex), /*isSearch=*/true,
      [](grammar::Grammar &to, const grammar::CharacterSet &set) { return to.characters(set); });
  if (!whole.ok()) // the place in front is one in the changed text
    return absl::InvalidArgumentError(
        std::vector<std::string>(absl::StrSplit(whole.status().message(), absl::MaxSplits(": ", 1)))
            .back());
  grammar.define(root, *whole);
  return grammar::Automaton::create(grammar);
}

} // namespace

absl::StatusOr<ModulePattern> ModulePattern::parse(std::string_view text) {
  ModulePattern pattern(text);
  if (!text.starts_with(kExpression))
    return pattern;
  STRATA_ASSIGN(grammar::Automaton automaton, compile(text.substr(kExpression.size())));
  pattern.automaton = std::make_shared<grammar::Automaton>(std::move(automaton));
  return pattern;
}

ModulePattern::Match ModulePattern::match(std::string_view linear) const {
  if (!automaton) {
    const bool isClass = std::ranges::find(kClasses, written) != std::end(kClasses);
    return written == linear ? Match::name : isClass ? Match::className : Match::none;
  }
  grammar::Configurations configurations(*automaton);
  configurations.beginWork();
  grammar::Configurations::Id at = configurations.start();
  for (char c : linear)
    at = configurations.next(at, uint8_t(c));
  return configurations.mayEnd(at) ? Match::expression : Match::none;
}

} // namespace strata
