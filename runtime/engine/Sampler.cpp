//===- Sampler.cpp - logits to the next token -----------------------------===//
//
// Compiled with -ffp-contract=off: sums and exponentials round the same on every machine.
//
//===----------------------------------------------------------------------===//
#include "runtime/engine/Sampler.h"

#include "runtime/base/Philox.h"
#include "runtime/base/Status.h"
#include "runtime/engine/Likeliest.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <vector>

namespace strata {

absl::Status SamplingParams::validate() const {
  if (!(temperature >= 0 && temperature <= 10))
    return absl::InvalidArgumentError(
        absl::StrCat("temperature: expected a number in [0, 10], found ", temperature));
  if (topK < 0)
    return absl::InvalidArgumentError(
        absl::StrCat("top_k: expected an integer of at least 0, found ", topK));
  if (!(topP > 0 && topP <= 1))
    return absl::InvalidArgumentError(
        absl::StrCat("top_p: expected a number in (0, 1], found ", topP));
  if (!(minP >= 0 && minP <= 1))
    return absl::InvalidArgumentError(
        absl::StrCat("min_p: expected a number in [0, 1], found ", minP));
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
/// because the C library's exp differs from version to version; without branches, so that compilers
/// can compute several at once.
static double exponential(double x) {
  constexpr double kRound = 0x1.8p52; // a double that large has no room for fractions
  const double bounded = x > -708 ? x : -708;
  const double shifted = bounded * 0x1.71547652b82fep0 + kRound;
  const double n = shifted - kRound;
  const double r = (bounded - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33; // x - n ln 2
  double sum = 0;
  for (double coefficient : kInverseFactorials)
    sum = sum * r + coefficient;
  // The low bits of `shifted` are n; a double's exponent is its high bits, plus 1023.
  const uint64_t exponent = (std::bit_cast<uint64_t>(shifted) << 52) + (uint64_t(1023) << 52);
  return x > -708 ? sum * std::bit_cast<double>(exponent) : 0;
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

namespace {

struct Candidate {
  float logit;
  int32_t id;
};

/// What one draw is made with.
struct Scratch {
  std::vector<Candidate> candidates; // what is left to choose from
  std::vector<double> weights;       // of the candidates: proportional to their probabilities
  std::vector<double> buckets;       // of keepTopP
  std::vector<uint32_t> onBorder;    // of keepTopP

  void keepTopK(int32_t count);
  void keepTopP(float share);
};

thread_local Scratch scratch;

} // namespace

absl::StatusOr<int32_t> Sampler::sample(std::span<const float> logits, uint64_t position) const {
  STRATA_ASSIGN(const int32_t best, likeliestToken(findLikeliest(logits), int64_t(logits.size())));
  if (params.greedy())
    return best;
  std::vector<Candidate> &candidates = scratch.candidates;
  std::vector<double> &weights = scratch.weights;
  candidates.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    candidates[i] = {logits[i], static_cast<int32_t>(i)};
  if (params.topK > 0 && static_cast<size_t>(params.topK) < candidates.size())
    scratch.keepTopK(params.topK);

  const double largest = logits[best], temperature = params.temperature;
  weights.resize(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i)
    weights[i] = exponential((double(candidates[i].logit) - largest) / temperature);
  if (params.minP > 0) // the likeliest weighs 1
    for (double &weight : weights)
      weight = weight < params.minP ? 0 : weight;
  if (params.topP < 1)
    scratch.keepTopP(params.topP);
  return candidates[pick(weights, philoxUniform(params.seed, position))].id;
}

/// Leaves the K largest logits in `candidates`; of equal ones, the lowest ids.
void Scratch::keepTopK(int32_t count) {
  const auto likelier = [](const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  const auto middle = candidates.begin() + count;
  if (count > 256) { // below, the heap of partial_sort is faster: one comparison for most
    std::nth_element(candidates.begin(), middle, candidates.end(), likelier);
    std::sort(candidates.begin(), middle, likelier);
  } else {
    std::partial_sort(candidates.begin(), middle, candidates.end(), likelier);
  }
  candidates.resize(size_t(count));
}

/// Sixteen buckets from one power of 2 to the next, those of the largest weights first. No weight
/// is in an earlier bucket than a larger one: the bits of positive doubles have their order.
static size_t bucketOf(double weight) {
  constexpr uint64_t kOne = std::bit_cast<uint64_t>(1.0);
  return (kOne - std::min(kOne, std::bit_cast<uint64_t>(weight))) >> 48;
}

/// Clears the weights of all but the fewest likeliest candidates that reach top-p. Only those near
/// the border are sorted: the vocabulary is large, and most of it may lie inside.
void Scratch::keepTopP(float share) {
  buckets.assign(bucketOf(0) + 1, 0);
  for (double weight : weights)
    buckets[bucketOf(weight)] += weight;
  const double wanted = share * std::accumulate(buckets.begin(), buckets.end(), 0.0);
  double reached = 0;
  size_t border = 0;
  while (border + 1 < buckets.size() && reached + buckets[border] < wanted)
    reached += buckets[border++];

  onBorder.clear();
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t bucket = bucketOf(weights[i]);
    if (bucket == border)
      onBorder.push_back(static_cast<uint32_t>(i));
    else if (bucket > border)
      weights[i] = 0;
  }
  // Candidates are in the order of their ids, or of their logits and then their ids.
  std::stable_sort(onBorder.begin(), onBorder.end(),
                   [&](uint32_t a, uint32_t b) { return weights[a] > weights[b]; });
  for (uint32_t i : onBorder) {
    if (reached < wanted)
      reached += weights[i];
    else
      weights[i] = 0;
  }
}

} // namespace strata
