//===- AutomatonBuilder.cpp - grammar to automaton ------------------------===//

#include "runtime/grammar/AutomatonBuilder.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace strata::grammar {
namespace {

constexpr size_t kShortPiece = 64; // terms of a piece that may be a loop's

} // namespace

absl::StatusOr<Automaton> AutomatonBuilder::build() {
  std::vector<State> ends;
  for (Rule each = 0; each < grammar.rules().size(); ++each) {
    rule = each;
    made.starts.push_back(addState());
    ends.push_back(addState());
    made.states[ends.back()].isFinal = true;
  }
  for (rule = 0; rule < grammar.rules().size() && !isFull(); ++rule)
    add(grammar.rules()[rule], made.starts[rule], ends[rule]);
  if (isFull())
    return absl::InvalidArgumentError(absl::StrCat("expected an automaton of at most ", kMostStates,
                                                   " states and ", kMostEdges,
                                                   " edges, found more"));
  STRATA_TRY(dropUseless());
  STRATA_TRY(refuseLeftRecursion());
  return std::move(made);
}

AutomatonBuilder::State AutomatonBuilder::addState() {
  Automaton::StateInfo state;
  state.loop = loop;
  state.rule = rule;
  made.states.push_back(std::move(state));
  return State(made.states.size() - 1);
}

void AutomatonBuilder::addEdge(State from, ByteRange bytes, State to) {
  ++edges;
  made.states[from].edges.push_back({bytes, to});
}

void AutomatonBuilder::addEmpty(State from, State to) {
  ++edges;
  made.states[from].empties.push_back(to);
}

bool AutomatonBuilder::isFull() const {
  return made.states.size() > kMostStates || edges > kMostEdges;
}

void AutomatonBuilder::add(Expression expression, State from, State to) {
  const Grammar::Term &term = grammar.term(expression);
  switch (term.kind) {
  case Kind::bytes:
    return addBytes(term.text, from, to);
  case Kind::characters:
    return addCharacters(term.set, from, to);
  case Kind::sequence:
    return addSequence(term.parts, from, to);
  case Kind::choice:
    for (Expression part : term.parts)
      if (!isFull())
        add(part, from, to);
    return;
  case Kind::repetition:
    return addRepetition(term, from, to);
  case Kind::call:
    return addCall(term.rule, from, to);
  }
}

void AutomatonBuilder::addBytes(std::string_view text, State from, State to) {
  for (size_t i = 0; i < text.size(); ++i) {
    const State next = i + 1 == text.size() ? to : addState();
    const auto byte = uint8_t(text[i]);
    addEdge(std::exchange(from, next), {byte, byte}, next);
  }
}

/// Runs of bytes that end alike share the states of their ends.
void AutomatonBuilder::addCharacters(const CharacterSet &set, State from, State to) {
  std::map<std::tuple<uint8_t, uint8_t, State>, State> known;
  for (const std::vector<ByteRange> &run : utf8Of(set)) {
    State target = to;
    for (size_t i = run.size(); i-- > 1;) {
      auto [place, isNew] = known.try_emplace({run[i].first, run[i].last, target});
      if (isNew) {
        place->second = addState();
        addEdge(place->second, run[i], target);
      }
      target = place->second;
    }
    addEdge(from, run[0], target);
  }
}

void AutomatonBuilder::addSequence(const std::vector<Expression> &parts, State from, State to) {
  if (parts.empty())
    return addEmpty(from, to);
  for (size_t i = 0; i < parts.size() && !isFull(); ++i) {
    const State next = i + 1 == parts.size() ? to : addState();
    add(parts[i], std::exchange(from, next), next);
  }
}

void AutomatonBuilder::addCall(Rule called, State from, State to) {
  ++edges;
  made.states[from].calls.push_back({called, to});
}

/// The number of terms of an expression without calls and repetitions that is never empty, if they
/// are few.
std::optional<size_t> AutomatonBuilder::shortSize(Expression expression, size_t depth) const {
  const Grammar::Term &term = grammar.term(expression);
  if (term.kind == Kind::bytes || term.kind == Kind::characters)
    return 1;
  const bool isNest = term.kind == Kind::sequence || term.kind == Kind::choice;
  if (!isNest || term.parts.empty() || depth > 8)
    return std::nullopt;
  size_t sum = 0;
  for (Expression part : term.parts) {
    const std::optional<size_t> size = shortSize(part, depth + 1);
    if (!size || (sum += *size) > kShortPiece)
      return std::nullopt;
  }
  return sum;
}

void AutomatonBuilder::addRepetition(const Grammar::Term &term, State from, State to) {
  if (loop < 0 && term.times.most != 1u && shortSize(term.parts[0], 0))
    return addLoop(term.parts[0], term.times, from, to);
  addCopies(term.parts[0], term.times, from, to);
}

void AutomatonBuilder::addLoop(Expression part, Repetition times, State from, State to) {
  loop = int32_t(made.loops.size());
  const State head = addState(), rest = addState();
  made.states[head].isHead = true;
  made.loops.push_back({head, rest, times});
  std::vector<Expression> parts = {part};
  if (grammar.term(part).kind == Kind::choice)
    parts = grammar.term(part).parts;
  std::vector<CharacterRange> wide;
  for (Expression each : parts) {
    const Grammar::Term &term = grammar.term(each);
    if (term.kind == Kind::characters && term.set.size() >= kWideSet)
      wide.insert(wide.end(), term.set.ranges().begin(), term.set.ranges().end());
    else
      add(each, rest, head);
  }
  if (const CharacterSet set(std::move(wide)); !set.empty()) {
    addCharacters(set, head, head);
    const auto known = std::ranges::find(made.sets, set);
    made.loops.back().wide = uint32_t(known - made.sets.begin());
    if (known == made.sets.end())
      made.sets.push_back(set);
  }
  loop = -1;
  addEmpty(from, head);
  addEmpty(head, rest);
  addEmpty(rest, to);
}

/// One behind the other; of those that need not be there each may be the last.
void AutomatonBuilder::addCopies(Expression part, Repetition times, State from, State to) {
  for (uint32_t i = 0; i < times.least && !isFull(); ++i) {
    const State next = addState();
    add(part, std::exchange(from, next), next);
  }
  if (!times.most) {
    const State again = addState();
    addEmpty(from, again);
    add(part, again, again);
    return addEmpty(again, to);
  }
  for (uint32_t i = times.least; i < *times.most && !isFull(); ++i) {
    const State next = addState();
    addEmpty(from, to);
    add(part, std::exchange(from, next), next);
  }
  addEmpty(from, to);
}

} // namespace strata::grammar
