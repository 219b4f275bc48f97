//===- CompiledGrammar.h - which tokens may follow --------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/Automaton.h"
#include "runtime/grammar/Configurations.h"
#include "runtime/grammar/Vocabulary.h"

#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace strata::grammar {

/// A grammar's automaton, and what has been found out about it by the texts that followed it. All
/// functions may be called from several threads.
class CompiledGrammar {
public:
  using Place = Configurations::Id;

  /// Automaton::create's errors.
  static absl::StatusOr<std::shared_ptr<CompiledGrammar>>
  create(const Grammar &grammar, std::shared_ptr<const Vocabulary> vocabulary);

  Place start() const { return first; }
  /// Behind more bytes; Configurations::kNone where these cannot follow.
  absl::StatusOr<Place> after(Place place, std::string_view bytes);
  bool mayEnd(Place place) const;
  bool mayGoOn(Place place) const;
  /// Tokens all of whose bytes may follow. RESOURCE_EXHAUSTED names the limit.
  absl::StatusOr<std::shared_ptr<const TokenSet>> tokensAfter(Place place);

  const Vocabulary &vocabulary() const { return *tokens; }
  /// It has been used so much that another should take its place.
  bool isWorn() const;

private:
  CompiledGrammar(Automaton automaton, std::shared_ptr<const Vocabulary> vocabulary);

  TokenSet findTokens(Place place);
  void addRun(Configurations::Place head, TokenSet &result);
  void walk(Place at, uint32_t node, TokenSet &result);

  const Automaton automaton;
  const std::shared_ptr<const Vocabulary> tokens;
  mutable std::mutex mutex; // of what follows
  Configurations configurations;
  Place first;
  std::unordered_map<Place, std::shared_ptr<const TokenSet>> found;
  std::vector<std::shared_ptr<const Vocabulary::Run>> runs; // of the automaton's wide sets
  std::vector<Place> path;                                  // by depth in the trie
};

/// Follows one text through a grammar.
class Matcher {
public:
  explicit Matcher(std::shared_ptr<CompiledGrammar> grammar)
      : grammar(std::move(grammar)), place(this->grammar->start()) {}

  /// The text goes on with these bytes, or the token's. INVALID_ARGUMENT if they cannot follow.
  absl::Status push(std::string_view bytes);
  absl::Status pushToken(int32_t token);
  bool mayEnd() const { return grammar->mayEnd(place); }
  /// It is complete, and nothing may follow.
  bool mustEnd() const { return !grammar->mayGoOn(place); }
  absl::StatusOr<std::shared_ptr<const TokenSet>> tokens() const {
    return grammar->tokensAfter(place);
  }
  /// The tokens that may follow. `ends` may where the text may end and `allowsEnd`, and nowhere
  /// else, whatever they spell. FAILED_PRECONDITION if no token may.
  absl::StatusOr<TokenSet> allowed(std::span<const int32_t> ends, bool allowsEnd = true) const;
  /// Those that may follow behind more tokens, or push()'s error; where nothing else may, `ends` do
  /// in any case.
  absl::StatusOr<TokenSet> allowedBehind(std::span<const int32_t> more,
                                         std::span<const int32_t> ends,
                                         bool allowsEnd = true) const;

private:
  std::shared_ptr<CompiledGrammar> grammar;
  CompiledGrammar::Place place;
};

} // namespace strata::grammar
