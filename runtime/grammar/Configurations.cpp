//===- Configurations.cpp - where an automaton may be ---------------------===//

#include "runtime/grammar/Configurations.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace strata::grammar {
namespace {

size_t mix(size_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

} // namespace

size_t Configurations::PlaceHash::operator()(const PlaceInfo &info) const {
  return mix(mix(info.state, info.count), info.after);
}

Configurations::Configurations(const Automaton &automaton) : automaton(automaton) {
  infos.push_back({});
  reachedIn.push_back(0);
  intern({}, false); // kNone
}

Configurations::Id Configurations::start() {
  reach({automaton.start(0), 0, 0});
  return takeReached();
}

Configurations::Id Configurations::findNext(Id from, uint8_t byte) {
  for (size_t i = 0; i < sets[from].places.size(); ++i) {
    const PlaceInfo at = infos[sets[from].places[i]];
    workLeft -= int64_t(automaton.state(at.state).edges.size() / 16);
    if (automaton.mayRepeat(at.state, at.count))
      for (const Automaton::Edge &edge : automaton.state(at.state).edges)
        if (edge.bytes.first <= byte && byte <= edge.bytes.last)
          reach({edge.target, automaton.countAfter(at.state, at.count, edge.target), at.after});
  }
  const Id to = takeReached();
  Set &set = sets[from];
  if (!set.next) {
    set.next = std::make_unique<Id[]>(automaton.classCount());
    std::fill_n(set.next.get(), automaton.classCount(), kUnknown);
  }
  return set.next[automaton.classOf(byte)] = to;
}

Configurations::Id Configurations::restOfLoop(Place head, uint32_t more) {
  const PlaceInfo at = infos[head];
  const Automaton::Loop &loop = automaton.loop(automaton.state(at.state).loop);
  uint64_t count = uint64_t(at.count) + more;
  if (loop.times.most && count > *loop.times.most)
    return kNone;
  if (!loop.times.most)
    count = std::min<uint64_t>(count, loop.times.least);
  reach({loop.rest, uint32_t(count), at.after});
  return takeReached();
}

Configurations::Place Configurations::internPlace(const PlaceInfo &info) {
  const auto [found, isNew] = numbers.try_emplace(info, Place(infos.size()));
  if (isNew) {
    infos.push_back(info);
    reachedIn.push_back(0);
  }
  return found->second;
}

void Configurations::reach(const PlaceInfo &info) {
  const Place place = internPlace(info);
  if (reachedIn[place] == making)
    return;
  reachedIn[place] = making;
  open.push_back(place);
}

/// What is reached from a place without a byte.
void Configurations::expand(Place place) {
  const PlaceInfo at = infos[place];
  const Automaton::StateInfo &state = automaton.state(at.state);
  if (!state.edges.empty() && automaton.mayRepeat(at.state, at.count))
    result.push_back(place);
  for (Automaton::State target : state.empties)
    if (automaton.mayLeave(at.state, at.count))
      reach({target, automaton.countAfter(at.state, at.count, target), at.after});
  for (const Automaton::Call &call : state.calls) {
    const Automaton::StateInfo &then = automaton.state(call.target);
    const bool isLast = then.isFinal && then.empties.empty() && then.calls.empty() &&
                        then.edges.empty(); // nothing is to be done here any more
    const Place after = isLast ? at.after : internPlace({call.target, 0, at.after});
    reach({automaton.start(call.rule), 0, after});
  }
  if (!state.isFinal)
    return;
  if (at.after == 0)
    ends = true;
  else
    reach(PlaceInfo(infos[at.after]));
}

Configurations::Id Configurations::takeReached() {
  while (!open.empty() && failure.ok()) {
    const Place place = open.back();
    open.pop_back();
    expand(place);
    if (--workLeft < 0)
      failure = absl::ResourceExhaustedError(absl::StrCat(
          "expected a grammar that takes at most ", kMostWork, " steps for a token, found more"));
    else if (result.size() + open.size() > kMostPlaces)
      failure = absl::ResourceExhaustedError(absl::StrCat("expected a grammar that leaves at most ",
                                                          kMostPlaces, " ways open, found more"));
    else if (sets.size() > kMostConfigurations)
      failure = absl::ResourceExhaustedError(
          absl::StrCat("expected texts that take a grammar through at most ", kMostConfigurations,
                       " configurations, found more"));
  }
  open.clear();
  std::vector<Place> places = std::move(result);
  result.clear();
  const bool mayEnd = ends;
  ends = false;
  ++making;
  return failure.ok() ? intern(std::move(places), mayEnd) : kNone;
}

Configurations::Id Configurations::intern(std::vector<Place> some, bool mayEnd) {
  std::ranges::sort(some);
  size_t hash = mayEnd;
  for (Place place : some)
    hash = mix(hash, place);
  const auto [begin, end] = known.equal_range(hash);
  for (auto each = begin; each != end; ++each)
    if (const Set &set = sets[each->second]; set.mayEnd == mayEnd && set.places == some)
      return each->second;
  sets.push_back({std::move(some), mayEnd});
  known.emplace(hash, Id(sets.size() - 1));
  return Id(sets.size() - 1);
}

} // namespace strata::grammar
