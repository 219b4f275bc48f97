//===- LogitAdjuster.h - penalties and biases before sampling ---*- C++ -*-===//
#pragma once

#include "absl/status/status.h"

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strata {

/// What changes logits before they are sampled, in this order:
///
///     bias           logit += bias
///     repetition     logit = logit > 0 ? logit / r : logit * r, of tokens in prompt or text
///                    (Keskar et al., arXiv 1909.05858)
///     frequency      logit -= f * how often the token stands in the text so far
///     presence       logit -= p, of tokens in the text so far
struct LogitAdjustments {
  float repetition = 1;                             // [0.001, 1000]; 1: none
  float frequency = 0, presence = 0;                // [-2, 2]
  std::vector<std::pair<int32_t, float>> bias = {}; // [-100, 100] each, at most kMostBiases

  static constexpr size_t kMostBiases = 1024;

  bool none() const { return repetition == 1 && frequency == 0 && presence == 0 && bias.empty(); }
  /// INVALID_ARGUMENT names the field, what it may be and what it is.
  absl::Status validate(int64_t vocabulary) const;
};

/// Keeps count of the tokens of one sequence and adjusts its logits.
class LogitAdjuster {
public:
  /// `adjustments` must be valid.
  explicit LogitAdjuster(LogitAdjustments adjustments) : adjustments(std::move(adjustments)) {}

  void addPrompt(std::span<const int32_t> tokens);
  void addGenerated(int32_t token);

  bool none() const { return adjustments.none(); }
  /// Of the row, in place.
  void adjust(std::span<float> logits) const;

private:
  LogitAdjustments adjustments;
  std::unordered_map<int32_t, int64_t> generated; // how often, 0: in the prompt alone
};

} // namespace strata
