//===- Sampler.cpp --------------------------------------------------------===//
//
// Compiled with -ffp-contract=off: sums and exponentials round the same on every machine.
//
//===----------------------------------------------------------------------===//
#include "runtime/Sampler.h"

#include "runtime/Philox.h"
#include "runtime/Status.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace strata {

absl::Status SamplingParams::validate() const {
  if (!(temperature >= 0 && temperature <= 10))
    return absl::InvalidArgumentError(
        absl::StrCat("temperature: expected a number in [0, 10], found ", temperature));
  if (topK < 0)
    return absl::InvalidArgumentError(
        absl::StrCat("top-k: expected an integer of at least 0, found ", topK));
  if (!(topP > 0 && topP <= 1))
    return absl::InvalidArgumentError(
        absl::StrCat("top-p: expected a number in (0, 1], found ", topP));
  return absl::OkStatus();
}

/// 1 / k! for k = 13 .. 0.
static constexpr std::array<double, 14> kInverseFactorials = [] {
  std::array<double, 14> inverse{};
  double factorial = 1;
  for (size_t k = 0; k < inverse.size(); factorial *= double(++k))
    inverse[inverse.size() - 1 - k] = 1 / factorial;
  return inverse;
}();

/// e^x for x <= 0, to about 1e-15; 0 below -708. Made of additions and multiplications alone,
/// because the C library's exp differs from version to version.
static double exponential(double x) {
  if (!(x > -708))
    return 0;
  constexpr double kRound = 0x1.8p52; // a double that large has no room for fractions
  const double n = (x * 0x1.71547652b82fep0 + kRound) - kRound;
  const double r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33; // x - n ln 2
  double sum = 0;
  for (double coefficient : kInverseFactorials)
    sum = sum * r + coefficient;
  return sum * std::bit_cast<double>(uint64_t(int64_t(n) + 1023) << 52);
}

/// The order of candidates: likelier first, then lower id.
static constexpr auto likelier = [](const auto &a, const auto &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
};

/// The id of the largest logit.
static absl::StatusOr<int32_t> indexOfLargest(std::span<const float> logits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  size_t best = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] < kInfinity))
      return absl::InvalidArgumentError(
          absl::StrCat("logits[", i, "] is ", logits[i], ", expected a number"));
    if (logits[i] > logits[best])
      best = i;
  }
  if (logits.empty() || logits[best] == -kInfinity)
    return absl::InvalidArgumentError(
        absl::StrCat("none of the ", logits.size(), " logits is a number"));
  return static_cast<int32_t>(best);
}

/// The index that `uniform`, a number in [0, 1), falls on when each index is as wide as its weight.
static size_t pick(std::span<const double> weights, double uniform) {
  double total = 0;
  for (double weight : weights)
    total += weight;
  double left = uniform * total;
  size_t chosen = 0;
  for (size_t i = 0; i < weights.size() && left >= 0; ++i) {
    if (weights[i] > 0)
      chosen = i; // the last of them, should rounding leave something over
    left -= weights[i];
  }
  return chosen;
}

/// Proportional to the probability; the likeliest token has 1.
double Sampler::weight(float logit, float largest) const {
  return exponential((double(logit) - double(largest)) / double(params.temperature));
}

absl::StatusOr<int32_t> Sampler::sample(std::span<const float> logits, uint64_t position) {
  STRATA_ASSIGN(const int32_t best, indexOfLargest(logits));
  if (params.temperature == 0 || params.topK == 1)
    return best;
  const float largest = logits[best];
  const double uniform = philoxUniform(params.seed, position);
  weights.clear();
  if (params.topK == 0 && params.topP == 1) {
    for (float logit : logits)
      weights.push_back(weight(logit, largest));
    return static_cast<int32_t>(pick(weights, uniform));
  }
  const auto kept = likeliest(logits, largest);
  for (const Candidate &candidate : kept)
    weights.push_back(weight(candidate.logit, largest));
  return kept[pick(weights, uniform)].id;
}

/// The tokens that top-k and top-p leave, likeliest first. Sorts no more than it has to: with top-p
/// alone, a few likely tokens first, then more where they do not suffice.
std::span<const Sampler::Candidate> Sampler::likeliest(std::span<const float> logits,
                                                       float largest) {
  candidates.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    candidates.push_back({logits[i], static_cast<int32_t>(i)});
  size_t sorted = params.topK;
  if (sorted > 0 && sorted < candidates.size()) {
    std::partial_sort(candidates.begin(), candidates.begin() + sorted, candidates.end(), likelier);
    candidates.resize(sorted);
  } else {
    sorted = 0;
  }
  if (params.topP == 1)
    return candidates;

  double total = 0, reached = 0;
  for (const Candidate &candidate : candidates)
    total += weight(candidate.logit, largest);
  for (size_t kept = 0; kept < candidates.size(); ++kept) {
    if (kept == sorted) {
      sorted = std::min(candidates.size(), std::max<size_t>(64, 8 * sorted));
      std::partial_sort(candidates.begin() + kept, candidates.begin() + sorted, candidates.end(),
                        likelier);
    }
    reached += weight(candidates[kept].logit, largest);
    if (reached >= double(params.topP) * total)
      return std::span(candidates).first(kept + 1);
  }
  return candidates;
}

} // namespace strata
