//===- LogProbs.cpp - how likely a row of logits finds tokens -------------===//

#include "runtime/engine/LogProbs.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>

namespace strata {
namespace {

/// The `count` likeliest tokens, in order.
std::vector<int32_t> findTop(std::span<const float> logits, int64_t count) {
  const auto likelier = [&](int32_t a, int32_t b) {
    const float x = logits[size_t(a)], y = logits[size_t(b)];
    return x != y ? x > y : a < b;
  };
  // A heap of the best so far, whose front is the least likely of them.
  std::vector<int32_t> best;
  for (int32_t token = 0; size_t(token) < logits.size(); ++token) {
    if (int64_t(best.size()) < count) {
      best.push_back(token);
      std::push_heap(best.begin(), best.end(), likelier);
    } else if (count > 0 && likelier(token, best.front())) {
      std::pop_heap(best.begin(), best.end(), likelier);
      best.back() = token;
      std::push_heap(best.begin(), best.end(), likelier);
    }
  }
  std::sort_heap(best.begin(), best.end(), likelier);
  return best;
}

} // namespace

absl::StatusOr<ScoredToken> scoreToken(std::span<const float> logits, int32_t token,
                                       int64_t count) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(double(logit) - most);
  if (!std::isfinite(sum))
    return absl::InternalError(
        absl::StrCat("logits: expected numbers, found a sum of their exponentials of ", sum));
  const double logSum = std::log(sum);
  const auto logProbOf = [&](int32_t id) {
    return TokenLogProb{id, double(logits[size_t(id)]) - most - logSum};
  };
  ScoredToken scored{logProbOf(token), logits[size_t(token)] == most, {}};
  for (int32_t id : findTop(logits, count))
    scored.top.push_back(logProbOf(id));
  return scored;
}

} // namespace strata
