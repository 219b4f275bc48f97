//===- AutomatonChecks.cpp - what an automaton must not have --------------===//

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/grammar/AutomatonBuilder.h"

#include <algorithm>
#include <utility>

namespace strata::grammar {

using State = Automaton::State;

namespace {

/// Who calls each rule.
struct Site {
  State source, target;
};

std::vector<std::vector<Site>> sitesOf(const Automaton &automaton, size_t rules) {
  std::vector<std::vector<Site>> sites(rules);
  for (State state = 0; state < automaton.size(); ++state)
    for (const Automaton::Call &call : automaton.state(state).calls)
      sites[call.rule].push_back({state, call.target});
  return sites;
}

/// States that were found, each once, and those of them whose neighbours are still to be found.
struct Found {
  std::vector<bool> known;
  std::vector<State> open;

  explicit Found(size_t states) : known(states) {}
  void add(State state) {
    if (!known[state]) {
      known[state] = true;
      open.push_back(state);
    }
  }
};

} // namespace

/// From which their rule can be done, as flags.
static std::vector<bool> productiveStates(const Automaton &automaton, size_t rules) {
  std::vector<std::vector<State>> sources(automaton.size());
  Found found(automaton.size());
  for (State state = 0; state < automaton.size(); ++state) {
    for (const Automaton::Edge &edge : automaton.state(state).edges)
      sources[edge.target].push_back(state);
    for (State target : automaton.state(state).empties)
      sources[target].push_back(state);
    if (automaton.state(state).isFinal)
      found.add(state);
  }
  const auto sites = sitesOf(automaton, rules);
  std::vector<std::vector<std::pair<State, Rule>>> callers(automaton.size()); // by target
  for (Rule rule = 0; rule < rules; ++rule)
    for (const auto &[source, target] : sites[rule])
      callers[target].push_back({source, rule});
  while (!found.open.empty()) {
    const State state = found.open.back();
    found.open.pop_back();
    for (State source : sources[state])
      found.add(source);
    for (const auto &[source, rule] : callers[state])
      if (found.known[automaton.start(rule)])
        found.add(source);
    if (const Rule rule = automaton.state(state).rule; state == automaton.start(rule))
      for (const auto &[source, target] : sites[rule])
        if (found.known[target])
          found.add(source);
  }
  return std::move(found.known);
}

/// Drops what leads to no end.
absl::Status AutomatonBuilder::dropUseless() {
  const std::vector<bool> useful = productiveStates(made, made.starts.size());
  if (made.starts.empty() || !useful[made.starts[0]])
    return absl::InvalidArgumentError("no text matches");
  for (Automaton::StateInfo &state : made.states) {
    std::erase_if(state.edges, [&](const auto &edge) { return !useful[edge.target]; });
    std::erase_if(state.empties, [&](State target) { return !useful[target]; });
    std::erase_if(state.calls, [&](const auto &call) {
      return !useful[call.target] || !useful[made.starts[call.rule]];
    });
  }
  return absl::OkStatus();
}

/// Which rules each rule may call before any byte.
std::vector<std::vector<Rule>> AutomatonBuilder::firstCalls() const {
  const auto sites = sitesOf(made, made.starts.size());
  std::vector<bool> isNullable(made.starts.size());
  Found found(made.states.size()); // without a byte from the start of their rule
  for (State start : made.starts)
    found.add(start);
  std::vector<std::vector<Rule>> calls(made.starts.size());
  while (!found.open.empty()) {
    const State state = found.open.back();
    found.open.pop_back();
    const Automaton::StateInfo &info = made.states[state];
    for (State target : info.empties)
      if (made.mayLeave(state, 0) || made.states[target].loop == info.loop)
        found.add(target);
    for (const Automaton::Call &call : info.calls) {
      calls[info.rule].push_back(call.rule);
      if (isNullable[call.rule])
        found.add(call.target);
    }
    if (info.isFinal && !isNullable[info.rule]) {
      isNullable[info.rule] = true;
      for (const auto &[source, target] : sites[info.rule])
        if (found.known[source])
          found.add(target);
    }
  }
  return calls;
}

/// Rules that no other calls first are taken away, until there is none; what is left has a circle.
absl::Status AutomatonBuilder::refuseLeftRecursion() const {
  const auto calls = firstCalls();
  std::vector<size_t> callers(calls.size());
  for (const auto &called : calls)
    for (Rule each : called)
      ++callers[each];
  std::vector<Rule> free;
  for (Rule each = 0; each < calls.size(); ++each)
    if (callers[each] == 0)
      free.push_back(each);
  size_t left = calls.size();
  while (!free.empty()) {
    const Rule each = free.back();
    free.pop_back();
    --left;
    for (Rule called : calls[each])
      if (--callers[called] == 0)
        free.push_back(called);
  }
  if (left == 0)
    return absl::OkStatus();
  // Every rule that is left has a caller that is left, too: back as often as there are rules.
  std::vector<Rule> callerOf(calls.size());
  Rule some = 0;
  for (Rule each = 0; each < calls.size(); ++each)
    if (callers[each] > 0)
      for (Rule called : calls[some = each])
        callerOf[called] = each;
  for (size_t i = 0; i < calls.size(); ++i)
    some = callerOf[some];
  return absl::InvalidArgumentError(
      absl::StrCat("rule ", printable(grammar.name(some)),
                   " calls itself before any character (left recursion)"));
}

} // namespace strata::grammar
