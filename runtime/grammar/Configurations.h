//===- Configurations.h - where an automaton may be -------------*- C++ -*-===//
//
// All places where an automaton may be after some bytes: a set of states, each with what is to be
// done when its rule is done. What is to be done is a list that many share, and lists and sets that
// are alike are one; which set follows another by a byte is found once.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/status.h"
#include "runtime/grammar/Automaton.h"

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace strata::grammar {

inline constexpr size_t kMostPlaces = 2048;   // of one configuration
inline constexpr int64_t kMostWork = 1 << 20; // places that one question leads to
inline constexpr size_t kMostConfigurations = 1 << 17;

/// Of one automaton, which must outlive it. Not for several threads.
class Configurations {
public:
  using Id = uint32_t;
  using Place = uint32_t;
  static constexpr Id kNone = 0; // no place: the bytes belong to no text

  /// A state, the counter of its loop, and the place to go on at when its rule is done; 0: nowhere,
  /// the text is complete.
  struct PlaceInfo {
    Automaton::State state;
    uint32_t count;
    Place after;
    bool operator==(const PlaceInfo &) const = default;
  };

  explicit Configurations(const Automaton &automaton);

  /// Before the first byte.
  Id start();
  /// kNone where the byte cannot follow.
  Id next(Id from, uint8_t byte) {
    const Id known = sets[from].next ? sets[from].next[automaton.classOf(byte)] : kUnknown;
    return known != kUnknown ? known : findNext(from, byte);
  }
  bool mayEnd(Id id) const { return sets[id].mayEnd; }
  /// Whether any byte may follow.
  bool mayGoOn(Id id) const { return !sets[id].places.empty(); }

  std::span<const Place> places(Id id) const { return sets[id].places; }
  const PlaceInfo &place(Place place) const { return infos[place]; }
  /// These places alone, which are some of a configuration's.
  Id among(std::vector<Place> some) { return intern(std::move(some), false); }
  /// Where one may be in the loop of a place `more` pieces later, but for the head, where that is
  /// allowed.
  Id restOfLoop(Place head, uint32_t more);

  /// Before each question: its work is counted anew.
  void beginWork() { workLeft = kMostWork; }
  /// RESOURCE_EXHAUSTED once a limit has been passed: what was found since may be wrong.
  const absl::Status &status() const { return failure; }
  /// How many there are.
  size_t size() const { return sets.size(); }

private:
  static constexpr Id kUnknown = UINT32_MAX;
  struct Set {
    std::vector<Place> places; // sorted; of states with edges
    bool mayEnd;
    std::unique_ptr<Id[]> next = {}; // by the class of the byte
  };
  struct PlaceHash {
    size_t operator()(const PlaceInfo &info) const;
  };

  Id findNext(Id from, uint8_t byte);
  Place internPlace(const PlaceInfo &info);
  Id intern(std::vector<Place> places, bool mayEnd);
  void reach(const PlaceInfo &info);
  void expand(Place place);
  Id takeReached();

  const Automaton &automaton;
  std::vector<PlaceInfo> infos;
  std::unordered_map<PlaceInfo, Place, PlaceHash> numbers;
  std::vector<Set> sets;
  std::unordered_multimap<size_t, Id> known; // by hash
  absl::Status failure;
  int64_t workLeft = kMostWork;

  // Of one set that is being made.
  std::vector<Place> open, result;
  std::vector<uint32_t> reachedIn; // by place: the number of the set
  uint32_t making = 1;
  bool ends = false;
};

} // namespace strata::grammar
