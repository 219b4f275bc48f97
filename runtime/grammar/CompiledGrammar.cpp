//===- CompiledGrammar.cpp - which tokens may follow ----------------------===//

#include "runtime/grammar/CompiledGrammar.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

namespace strata::grammar {
namespace {

constexpr size_t kMostSets = 64; // that are kept

} // namespace

absl::StatusOr<std::shared_ptr<CompiledGrammar>>
CompiledGrammar::create(const Grammar &grammar, std::shared_ptr<const Vocabulary> vocabulary) {
  STRATA_ASSIGN(Automaton automaton, Automaton::create(grammar));
  std::shared_ptr<CompiledGrammar> made(
      new CompiledGrammar(std::move(automaton), std::move(vocabulary)));
  STRATA_TRY(made->configurations.status());
  return made;
}

CompiledGrammar::CompiledGrammar(Automaton made, std::shared_ptr<const Vocabulary> vocabulary)
    : automaton(std::move(made)), tokens(std::move(vocabulary)), configurations(automaton),
      first(configurations.start()), runs(automaton.wideSets().size()),
      path(size_t(tokens->depth()) + 1) {}

absl::StatusOr<CompiledGrammar::Place> CompiledGrammar::after(Place place, std::string_view bytes) {
  std::lock_guard lock(mutex);
  configurations.beginWork();
  for (char byte : bytes)
    place = configurations.next(place, uint8_t(byte));
  STRATA_TRY(configurations.status());
  return place;
}

bool CompiledGrammar::mayEnd(Place place) const {
  std::lock_guard lock(mutex);
  return configurations.mayEnd(place);
}

bool CompiledGrammar::mayGoOn(Place place) const {
  std::lock_guard lock(mutex);
  return configurations.mayGoOn(place);
}

bool CompiledGrammar::isWorn() const {
  std::lock_guard lock(mutex);
  return configurations.size() > kMostConfigurations / 2 || !configurations.status().ok();
}

absl::StatusOr<std::shared_ptr<const TokenSet>> CompiledGrammar::tokensAfter(Place place) {
  std::lock_guard lock(mutex);
  if (const auto known = found.find(place); known != found.end())
    return known->second;
  configurations.beginWork();
  auto made = std::make_shared<const TokenSet>(findTokens(place));
  STRATA_TRY(configurations.status());
  if (found.size() == kMostSets)
    found.clear();
  found.emplace(place, made);
  return made;
}

/// Loops over many characters take most of the vocabulary, which is known at once; of the trie only
/// those branches are followed where a token leaves the loop. All other places take few tokens.
TokenSet CompiledGrammar::findTokens(Place place) {
  TokenSet result(tokens->size());
  std::vector<Configurations::Place> others;
  const std::span<const Configurations::Place> all = configurations.places(place);
  for (Configurations::Place each : std::vector(all.begin(), all.end())) {
    const Automaton::StateInfo &state = automaton.state(configurations.place(each).state);
    if (state.isHead && automaton.loop(state.loop).wide)
      addRun(each, result);
    else
      others.push_back(each);
  }
  walk(configurations.among(std::move(others)), 0, result);
  return result;
}

void CompiledGrammar::addRun(Configurations::Place head, TokenSet &result) {
  const Configurations::PlaceInfo at = configurations.place(head);
  const Automaton::Loop &loop = automaton.loop(automaton.state(at.state).loop);
  auto &run = runs[*loop.wide];
  if (!run)
    run = tokens->runOf(automaton.wideSets()[*loop.wide]);
  const uint32_t most = tokens->mostCharacters();
  const uint32_t left = loop.times.most ? *loop.times.most - at.count : most;
  if (left >= most)
    result.add(run->tokens);
  else
    result.addCommon(run->tokens, *tokens->ofCharacters(left));
  std::vector<Place> behind(size_t(most) + 1); // so many characters, out of the loop
  for (uint32_t count = 0; count <= most; ++count)
    behind[count] = configurations.restOfLoop(head, count);
  for (size_t byte = 0; byte < 256; ++byte)
    for (const auto &[node, count] : run->exits[byte])
      if (const Place to = configurations.next(behind[count], uint8_t(byte))) {
        for (int32_t token : tokens->tokensAt(node))
          result.add(token);
        walk(to, node, result);
      }
}

/// Adds the tokens below a node of the trie, where the automaton is `at`.
void CompiledGrammar::walk(Place at, uint32_t node, TokenSet &result) {
  const std::span<const Vocabulary::Node> trie = tokens->nodes();
  path[trie[node].depth] = at;
  for (uint32_t next = node + 1; next < trie[node].end;) {
    const Vocabulary::Node &info = trie[next];
    const Place to = configurations.next(path[info.depth - 1u], info.byte);
    if (to == Configurations::kNone) {
      next = info.end;
      continue;
    }
    path[info.depth] = to;
    for (int32_t token : tokens->tokensAt(next))
      result.add(token);
    ++next;
  }
}

absl::Status Matcher::push(std::string_view bytes) {
  STRATA_ASSIGN(const CompiledGrammar::Place next, grammar->after(place, bytes));
  if (next == Configurations::kNone)
    return absl::InvalidArgumentError(
        absl::StrCat("expected what the grammar allows, found ", quote(bytes)));
  place = next;
  return absl::OkStatus();
}

absl::Status Matcher::pushToken(int32_t token) { return push(grammar->vocabulary().text(token)); }

absl::StatusOr<TokenSet> Matcher::allowed(std::span<const int32_t> ends, bool allowsEnd) const {
  STRATA_ASSIGN(const std::shared_ptr<const TokenSet> following, tokens());
  TokenSet result = *following;
  const bool isComplete = allowsEnd && mayEnd();
  for (int32_t end : ends)
    result.set(end, isComplete);
  if (result.empty())
    return absl::FailedPreconditionError(
        "the grammar allows no token of the vocabulary to follow the text");
  return result;
}

absl::StatusOr<TokenSet> Matcher::allowedBehind(std::span<const int32_t> more,
                                                std::span<const int32_t> ends,
                                                bool allowsEnd) const {
  Matcher then = *this;
  for (int32_t token : more)
    STRATA_TRY(then.pushToken(token));
  return then.allowed(ends, allowsEnd || then.mustEnd());
}

} // namespace strata::grammar
