//===- Likeliest.cpp - the likeliest token of a row of logits -------------===//

#include "runtime/engine/Likeliest.h"

#include "runtime/base/Status.h"

#include <limits>

namespace strata {

int32_t findLikeliest(std::span<const float> logits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float largest = -kInfinity;
  auto best = ~int32_t(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] < kInfinity))
      return ~int32_t(i);
    if (logits[i] > largest) {
      largest = logits[i];
      best = int32_t(i);
    }
  }
  return best;
}

absl::StatusOr<int32_t> likeliestToken(int32_t found, int64_t vocabulary) {
  if (found >= 0)
    return found;
  if (~found == vocabulary)
    return absl::InvalidArgumentError(
        absl::StrCat("none of the ", vocabulary, " logits is a number"));
  return absl::InvalidArgumentError(
      absl::StrCat("logits[", ~found, "]: expected a number, found NaN or infinity"));
}

} // namespace strata
