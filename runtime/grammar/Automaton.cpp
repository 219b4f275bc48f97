//===- Automaton.cpp - a grammar as a pushdown automaton ------------------===//

#include "runtime/grammar/Automaton.h"

#include "runtime/base/Status.h"
#include "runtime/grammar/AutomatonBuilder.h"

#include <algorithm>

namespace strata::grammar {

absl::StatusOr<Automaton> Automaton::create(const Grammar &grammar) {
  STRATA_ASSIGN(Automaton automaton, AutomatonBuilder(grammar).build());
  automaton.findClasses();
  return automaton;
}

uint32_t Automaton::countAfter(State source, uint32_t before, State target) const {
  const StateInfo &to = states[target];
  if (to.loop < 0 || to.loop != states[source].loop)
    return 0;
  if (!to.isHead)
    return before;
  const Repetition &times = loop(to.loop).times;
  return times.most ? before + 1 : std::min(before + 1, times.least); // more tell nothing
}

bool Automaton::mayRepeat(State state, uint32_t before) const {
  const int32_t index = states[state].loop;
  if (index < 0 || (state != loop(index).head && state != loop(index).rest))
    return true; // in the middle of a piece
  const Repetition &times = loop(index).times;
  return !times.most || before < *times.most;
}

bool Automaton::mayLeave(State state, uint32_t before) const {
  const int32_t index = states[state].loop;
  return index < 0 || state != loop(index).rest || before >= loop(index).times.least;
}

void Automaton::findClasses() {
  std::array<bool, 257> begins = {};
  for (const StateInfo &state : states)
    for (const Edge &edge : state.edges)
      begins[edge.bytes.first] = begins[size_t(edge.bytes.last) + 1] = true;
  count = 1;
  for (size_t byte = 0; byte < 256; ++byte) {
    count += byte > 0 && begins[byte];
    classes[byte] = uint8_t(count - 1);
  }
}

} // namespace strata::grammar
