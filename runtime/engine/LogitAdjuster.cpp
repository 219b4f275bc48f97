//===- LogitAdjuster.cpp - penalties and biases before sampling -----------===//

#include "runtime/engine/LogitAdjuster.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Status.h"

#include <cmath>

namespace strata {
namespace {

absl::Status checkRange(const char *name, double value, double low, double high) {
  if (value >= low && value <= high)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": expected a number in [", low, ", ", high, "], found ", value));
}

} // namespace

absl::Status LogitAdjustments::validate(int64_t vocabulary) const {
  STRATA_TRY(checkRange("repetition_penalty", repetition, 1e-3, 1e3));
  STRATA_TRY(checkRange("frequency_penalty", frequency, -2, 2));
  STRATA_TRY(checkRange("presence_penalty", presence, -2, 2));
  if (bias.size() > kMostBiases)
    return absl::InvalidArgumentError(
        absl::StrCat("logit_bias: expected at most ", kMostBiases, " tokens, found ", bias.size()));
  for (const auto &[token, value] : bias) {
    if (token < 0 || token >= vocabulary)
      return absl::InvalidArgumentError(
          absl::StrCat("logit_bias: expected tokens in [0, ", vocabulary - 1, "], found ", token));
    STRATA_TRY(checkRange("logit_bias", value, -100, 100));
  }
  return absl::OkStatus();
}

void LogitAdjuster::addPrompt(std::span<const int32_t> tokens) {
  if (adjustments.repetition != 1)
    for (int32_t token : tokens)
      generated.try_emplace(token, 0);
}

void LogitAdjuster::addGenerated(int32_t token) {
  if (!none())
    ++generated[token];
}

void LogitAdjuster::adjust(std::span<float> logits) const {
  for (const auto &[token, value] : adjustments.bias)
    logits[size_t(token)] += value;
  for (const auto &[token, count] : generated) {
    float &logit = logits[size_t(token)];
    logit = logit > 0 ? logit / adjustments.repetition : logit * adjustments.repetition;
    if (count > 0)
      logit -= adjustments.frequency * float(count) + adjustments.presence;
  }
}

} // namespace strata
