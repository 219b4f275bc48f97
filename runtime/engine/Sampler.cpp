//===- Sampler.cpp - logits to the next token -----------------------------===//
//
// Compiled with -ffp-contract=off: weights round the same on every machine.
//
//===----------------------------------------------------------------------===//
#include "runtime/engine/Sampler.h"

#include "runtime/base/Philox.h"
#include "runtime/base/Status.h"
#include "runtime/base/TokenWeight.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
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

/// What `share`, in units of 2^-64, is of `total`; rounded down.
static uint64_t shareOf(uint64_t share, uint64_t total) {
  return uint64_t((static_cast<unsigned __int128>(share) * total) >> 64);
}

Draw Sampler::drawAt(uint64_t position) const {
  if (params.greedy())
    return {};
  Draw draw;
  draw.scale = float(std::min(std::numbers::log2e / double(params.temperature),
                              double(std::numeric_limits<float>::max())));
  draw.topK = uint32_t(params.topK);
  if (params.topP < 1)
    draw.topP = std::max<uint64_t>(uint64_t(double(params.topP) * 0x1p64), 1);
  draw.leastWeight =
      uint64_t(std::ceil(double(params.minP) * double(uint64_t(1) << kTokenWeightBits)));
  draw.random = philoxBits(params.seed, position);
  return draw;
}

namespace {

/// Of a draw.
struct Scratch {
  std::vector<float> allowed;     // logits, -infinity where they may not be drawn
  std::vector<int32_t> ids;       // what top-k left, in the order of ids; empty: all
  std::vector<float> logits;      // theirs
  std::vector<uint64_t> weights;  // of what is left; 0: dropped
  std::vector<uint32_t> onBorder; // of keepTopP

  std::span<const float> restrict(std::span<const float> logits, AllowedTokens to);
  void keepTopK(std::span<const float> all, size_t count);
  void keepTopP(std::span<const float> kept, float largest, const Draw &draw);
  size_t pick(uint64_t random) const;
};

thread_local Scratch scratch;

} // namespace

int32_t drawToken(std::span<const float> logits, const Draw &draw, AllowedTokens allowed) {
  const int32_t best = findLikeliest(logits, allowed);
  if (draw.greedy() || best < 0)
    return best;
  if (!allowed.empty())
    logits = scratch.restrict(logits, allowed);
  const float largest = logits[size_t(best)];
  const bool hasTopK = draw.topK > 0 && draw.topK < logits.size();
  if (hasTopK)
    scratch.keepTopK(logits, draw.topK);
  const std::span<const float> kept = hasTopK ? scratch.logits : logits;
  std::vector<uint64_t> &weights = scratch.weights;
  weights.resize(kept.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    const uint64_t weight = tokenWeight(largest - kept[i], draw.scale);
    weights[i] = weight < draw.leastWeight ? 0 : weight;
  }
  if (draw.topP > 0)
    scratch.keepTopP(kept, largest, draw);
  const size_t picked = scratch.pick(draw.random);
  return hasTopK ? scratch.ids[picked] : int32_t(picked);
}

std::span<const float> Scratch::restrict(std::span<const float> all, AllowedTokens to) {
  allowed.assign(all.size(), -std::numeric_limits<float>::infinity());
  for (size_t first = 0; first < all.size(); first += 64) {
    const uint64_t word = first / 64 < to.size() ? to[first / 64] : 0;
    const auto part = all.subspan(first, std::min<size_t>(64, all.size() - first));
    if (~word == 0) // most words are all or nothing
      std::ranges::copy(part, allowed.begin() + ptrdiff_t(first));
    else if (word != 0)
      for (size_t i = 0; i < part.size(); ++i)
        if (word >> i & 1)
          allowed[first + i] = part[i];
  }
  return allowed;
}

/// Leaves the first `count` in the order of logits and then ids.
void Scratch::keepTopK(std::span<const float> all, size_t count) {
  ids.resize(all.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto likelier = [&](int32_t a, int32_t b) {
    const float x = all[size_t(a)], y = all[size_t(b)];
    return x != y ? x > y : a < b;
  };
  const auto middle = ids.begin() + ptrdiff_t(count);
  if (count > 256) // below, the heap of partial_sort is faster: one comparison for most
    std::nth_element(ids.begin(), middle, ids.end(), likelier);
  else
    std::partial_sort(ids.begin(), middle, ids.end(), likelier);
  ids.resize(count);
  std::sort(ids.begin(), ids.end());
  logits.resize(count);
  std::ranges::transform(ids, logits.begin(), [&](int32_t id) { return all[size_t(id)]; });
}

/// Clears the weights of all but the fewest first ones that reach top-p. Only those near the border
/// are sorted: the vocabulary is large, and most of it may lie inside.
void Scratch::keepTopP(std::span<const float> kept, float largest, const Draw &draw) {
  constexpr int kOfHalving = 16; // buckets; none is before that of a larger logit
  constexpr float kLast = kOfHalving * kMostHalvings;
  std::array<uint64_t, size_t(kLast) + 1> buckets{};
  const auto bucketOf = [&](size_t i) {
    return size_t(std::min((largest - kept[i]) * draw.scale * kOfHalving, kLast));
  };
  for (size_t i = 0; i < kept.size(); ++i)
    buckets[bucketOf(i)] += weights[i];
  const uint64_t total = std::accumulate(buckets.begin(), buckets.end(), uint64_t(0));
  const uint64_t wanted = std::max<uint64_t>(shareOf(draw.topP, total), 1);
  uint64_t reached = 0;
  size_t border = 0;
  while (reached + buckets[border] < wanted)
    reached += buckets[border++];

  onBorder.clear();
  for (size_t i = 0; i < kept.size(); ++i) {
    const size_t bucket = bucketOf(i);
    if (bucket == border)
      onBorder.push_back(uint32_t(i));
    else if (bucket > border)
      weights[i] = 0;
  }
  std::ranges::stable_sort(onBorder, [&](uint32_t a, uint32_t b) { return kept[a] > kept[b]; });
  for (uint32_t i : onBorder) {
    if (reached < wanted)
      reached += weights[i];
    else
      weights[i] = 0;
  }
}

size_t Scratch::pick(uint64_t random) const {
  const uint64_t total = std::accumulate(weights.begin(), weights.end(), uint64_t(0));
  uint64_t left = shareOf(random, total);
  size_t i = 0;
  while (weights[i] <= left)
    left -= weights[i++];
  return i;
}

} // namespace strata
