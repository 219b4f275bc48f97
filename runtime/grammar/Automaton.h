//===- Automaton.h - a grammar as a pushdown automaton ----------*- C++ -*-===//
//
// Every rule is a finite automaton over bytes, which may call others (a recursive transition
// network: Woods, Transition network grammars for natural language analysis, CACM 1970). A
// character or another short piece that is repeated is a loop with a counter: states do not become
// more with the number of repetitions, and a string of a million characters is as small as one of
// three.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/Grammar.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace strata::grammar {

inline constexpr size_t kMostStates = 1 << 17;
inline constexpr size_t kMostEdges = 1 << 20;
/// A set of so many characters is worth knowing all tokens of.
inline constexpr uint64_t kWideSet = 128;

class Automaton {
public:
  using State = uint32_t;

  struct Edge {
    ByteRange bytes;
    State target;
  };
  struct Call {
    Rule rule;
    State target; // once the rule is done
  };
  struct StateInfo {
    std::vector<Edge> edges = {};
    std::vector<State> empties = {}; // reached without a byte
    std::vector<Call> calls = {};
    int32_t loop = -1;    // the loop that the state is part of
    bool isHead = false;  // of the loop
    bool isFinal = false; // the rule is done
    Rule rule = 0;        // that the state is part of
  };
  /// A piece without calls that is repeated. The counter is of those that are complete. The head
  /// has the edges of the piece's wide set, if there is one, and goes without a byte to the rest,
  /// which has its other edges and goes out of the loop.
  struct Loop {
    State head, rest;
    Repetition times;
    std::optional<uint32_t> wide = {}; // of wideSets(): what the head's edges spell
  };

  /// INVALID_ARGUMENT: a rule that calls itself before any byte, no text at all that is matched, or
  /// more states than kMostStates or edges than kMostEdges.
  static absl::StatusOr<Automaton> create(const Grammar &grammar);

  const StateInfo &state(State state) const { return states[state]; }
  size_t size() const { return states.size(); }
  State start(Rule rule) const { return starts[rule]; }
  const Loop &loop(int32_t loop) const { return loops[size_t(loop)]; }
  const std::vector<CharacterSet> &wideSets() const { return sets; }

  /// The loop's counter in `target` if it was `count` in `source`.
  uint32_t countAfter(State source, uint32_t count, State target) const;
  /// Whether the loop that the state is part of may begin another piece, or be left.
  bool mayRepeat(State state, uint32_t count) const;
  bool mayLeave(State state, uint32_t count) const;

  /// Bytes that no edge tells apart are of one class.
  uint8_t classOf(uint8_t byte) const { return classes[byte]; }
  size_t classCount() const { return count; }

private:
  friend class AutomatonBuilder;

  void findClasses();

  std::vector<StateInfo> states;
  std::vector<State> starts;
  std::vector<Loop> loops;
  std::vector<CharacterSet> sets;
  std::array<uint8_t, 256> classes = {};
  size_t count = 1;
};

} // namespace strata::grammar
