//===- Divergence.cpp - how far a model is from another -------------------===//

#include "tools/score/Divergence.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace strata {
namespace {

/// Of a row of logits; the log-probability of a token is its logit - most - logSum.
struct Softmax {
  double most, logSum;
  size_t top; // the first token that has `most`
};

absl::StatusOr<Softmax> softmaxOf(std::span<const float> logits) {
  for (size_t i = 0; i < logits.size(); ++i)
    if (!std::isfinite(logits[i]))
      return absl::InternalError(
          absl::StrCat("logits: expected finite numbers, found ", logits[i], " for token ", i));
  const auto top = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(double(logit) - double(*top));
  return Softmax{*top, std::log(sum), size_t(top - logits.begin())};
}

double square(double number) { return number * number; }

} // namespace

absl::StatusOr<TokenDivergence> compareLogits(std::span<const float> logits,
                                              std::span<const float> base, int32_t token) {
  STRATA_ASSIGN(const Softmax q, softmaxOf(logits));
  const absl::StatusOr<Softmax> p = softmaxOf(base);
  if (!p.ok())
    return annotate(p.status(), "base");
  const auto logQ = [&](size_t id) { return double(logits[id]) - q.most - q.logSum; };
  const auto logP = [&](size_t id) { return double(base[id]) - p->most - p->logSum; };
  double divergence = 0;
  for (size_t id = 0; id < base.size(); ++id)
    divergence += std::exp(logP(id)) * (logP(id) - logQ(id));
  return TokenDivergence{divergence, logQ(size_t(token)), logP(size_t(token)), q.top == p->top};
}

void Divergence::add(const TokenDivergence &token) {
  divergences.push_back(token.divergence);
  modelPerplexity.add(token.logProbability);
  basePerplexity.add(token.baseLogProbability);
  bothPerplexity.add(token.logProbability - token.baseLogProbability);
  squaredDifferences += square(std::exp(token.logProbability) - std::exp(token.baseLogProbability));
  sameTops += token.sameTop;
}

double Divergence::mean() const {
  return std::accumulate(divergences.begin(), divergences.end(), 0.0) / double(tokens());
}

double Divergence::error() const {
  if (tokens() == 1)
    return 0;
  double sum = 0;
  for (const double average = mean(); double divergence : divergences)
    sum += square(divergence - average);
  return std::sqrt(sum / double(tokens()) / double(tokens() - 1));
}

double Divergence::quantile(double share) const {
  if (divergences.empty())
    return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> sorted = divergences;
  std::sort(sorted.begin(), sorted.end());
  const double place = share * double(sorted.size() - 1);
  const auto below = size_t(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - double(below));
}

double Divergence::differenceRms() const {
  return std::sqrt(squaredDifferences / double(tokens()));
}

} // namespace strata
