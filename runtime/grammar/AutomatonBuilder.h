//===- AutomatonBuilder.h - grammar to automaton ----------------*- C++ -*-===//
#pragma once

#include "runtime/grammar/Automaton.h"

#include <map>
#include <vector>

namespace strata::grammar {

class AutomatonBuilder {
public:
  explicit AutomatonBuilder(const Grammar &grammar) : grammar(grammar) {}

  absl::StatusOr<Automaton> build();

private:
  using State = Automaton::State;
  using Kind = Grammar::Term::Kind;

  State addState();
  void addEdge(State from, ByteRange bytes, State to);
  void addEmpty(State from, State to);
  /// What the expression spells leads from one state to the other.
  void add(Expression expression, State from, State to);
  void addBytes(std::string_view text, State from, State to);
  void addCharacters(const CharacterSet &set, State from, State to);
  void addSequence(const std::vector<Expression> &parts, State from, State to);
  void addCall(Rule rule, State from, State to);
  void addRepetition(const Grammar::Term &term, State from, State to);
  void addLoop(Expression part, Repetition times, State from, State to);
  void addCopies(Expression part, Repetition times, State from, State to);
  std::optional<size_t> shortSize(Expression expression, size_t depth) const;
  bool isFull() const;

  absl::Status dropUseless();
  absl::Status refuseLeftRecursion() const;
  std::vector<std::vector<Rule>> firstCalls() const;

  const Grammar &grammar;
  Automaton made;
  size_t edges = 0;
  int32_t loop = -1; // that is being built
  Rule rule = 0;     // likewise
};

} // namespace strata::grammar
