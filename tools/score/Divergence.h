//===- Divergence.h - how far a model is from another -----------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "tools/score/Perplexity.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// What a model and its base, from which it is to differ as little as possible, make of one place
/// of a text.
struct TokenDivergence {
  double divergence;         // Kullback-Leibler's, in nats: the sum of p log(p / q) over the
                             // vocabulary, p being the base's probabilities, q the model's
  double logProbability;     // of the token that stands there, by the model
  double baseLogProbability; // and by the base
  bool sameTop;              // both find the same token likeliest; of equal ones the first counts
};

/// Compares a row of logits with the base's, both softmaxed in double. INTERNAL, if a logit is
/// infinite or NaN, names its token and, if so, the base.
absl::StatusOr<TokenDivergence> compareLogits(std::span<const float> logits,
                                              std::span<const float> base, int32_t token);

/// The statistics of llama-perplexity's --kl-divergence over the tokens of a text. Keeps one number
/// a token. Errors are standard errors, as if tokens were independent. With no token all but
/// tokens() is NaN.
class Divergence {
public:
  void add(const TokenDivergence &token);

  int64_t tokens() const { return int64_t(divergences.size()); }
  double mean() const;
  double error() const; // of the mean; 0 for one token
  /// What so large a `share`, 0 to 1, of the divergences are at most; between two of them
  /// interpolated. 1: the largest.
  double quantile(double share) const;
  const Perplexity &model() const { return modelPerplexity; }
  const Perplexity &base() const { return basePerplexity; }
  /// The model's perplexity / the base's; its error knows that both saw the same tokens.
  const Perplexity &ratio() const { return bothPerplexity; }
  /// The root of the mean square of what the text's tokens' probabilities, 0 to 1, differ by.
  double differenceRms() const;
  /// The share of places, 0 to 1, where both find the same token likeliest.
  double sameTop() const { return double(sameTops) / double(tokens()); }

private:
  std::vector<double> divergences;
  Perplexity modelPerplexity, basePerplexity, bothPerplexity;
  double squaredDifferences = 0;
  int64_t sameTops = 0;
};

} // namespace strata
