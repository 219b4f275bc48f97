//===- LogProbs.h - how likely a row of logits finds tokens -----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// A token and the logarithm of its probability.
struct TokenLogProb {
  int32_t token;
  double logProb; // at most 0
};

/// A token of a text, and what the model found likeliest in its place.
struct ScoredToken {
  TokenLogProb token;
  bool greedy;                   // no other token was likelier
  std::vector<TokenLogProb> top; // from the likeliest on; of equal ones, the lowest ids first
};

/// The log-probability of `token` by the softmax of a row of logits, and those of the `count`
/// likeliest. Sums are in double, in the order of the row. INTERNAL if a logit is no number.
absl::StatusOr<ScoredToken> scoreToken(std::span<const float> logits, int32_t token, int64_t count);

} // namespace strata
