//===- Pairs.h - how likely continuations are -------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "tools/score/Score.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A line of --pairs: {"context": "...", "continuation": "..."}.
struct Pair {
  std::string context, continuation;
};

/// Parses a line; errors call it `place`, "FILE:LINE". Another field is an error.
absl::StatusOr<Pair> parsePair(std::string_view line, const std::string &place);

/// A pair as tokens, of which those from `first` on are the continuation's.
struct EncodedPair {
  std::vector<int32_t> tokens;
  size_t first;     // at least 1
  size_t truncated; // tokens of the context that were dropped
};

/// Encodes as lm-evaluation-harness does: spaces that end the context go to the continuation; then
/// both together are encoded, and the context alone; what the first has behind as many tokens as
/// the second has is the continuation's. With `addBos` both begin with BOS; an empty context is BOS
/// (EOS, if the model has no BOS) in any case. Of tokens that do not fit into `context` + 1 (the
/// last is not fed) the first are dropped. Errors: the continuation has no token, or more than
/// `context`.
absl::StatusOr<EncodedPair> encodePair(const Tokenizer &tokenizer, const package::Model &model,
                                       const Pair &pair, bool addBos, size_t context);

struct PairScore {
  double logProbability = 0;            // of the whole continuation: the sum
  int64_t tokens = 0;                   // of the continuation
  bool greedy = true;                   // each token of it is a likeliest one
  std::vector<double> logProbabilities; // of each token of it
};
absl::StatusOr<PairScore> scorePair(Scorer &scorer, const EncodedPair &pair);

} // namespace strata
