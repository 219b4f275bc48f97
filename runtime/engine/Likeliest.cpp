//===- Likeliest.cpp - the likeliest token of a row of logits -------------===//

#include "runtime/engine/Likeliest.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <array>
#include <limits>

namespace strata {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kBlock = 64; // logits, of a word of AllowedTokens

bool isNoNumber(float logit) { return !(logit < kInfinity); }

struct Block {
  float largest;
  bool isWrong; // one is no number
};

/// In lanes, so that compilers take several at once.
Block lookAt(std::span<const float, kBlock> logits) {
  constexpr size_t kLanes = 8;
  std::array<float, kLanes> largest;
  std::array<int32_t, kLanes> wrong{};
  largest.fill(-kInfinity);
  for (size_t i = 0; i < kBlock; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float logit = logits[i + lane];
      largest[lane] = logit > largest[lane] ? logit : largest[lane];
      wrong[lane] |= isNoNumber(logit);
    }
  return {*std::ranges::max_element(largest),
          std::ranges::any_of(wrong, [](int32_t is) { return is != 0; })};
}

} // namespace

int32_t findLikeliest(std::span<const float> logits, AllowedTokens allowed) {
  const size_t size = logits.size();
  float largest = -kInfinity;
  auto best = ~int32_t(size);
  const auto take = [&](size_t i) {
    if (logits[i] > largest) {
      largest = logits[i];
      best = int32_t(i);
    }
  };
  for (size_t first = 0; first < size; first += kBlock) {
    const size_t count = std::min(kBlock, size - first), word = first / kBlock;
    const uint64_t bits = allowed.empty()         ? ~uint64_t(0)
                          : word < allowed.size() ? allowed[word]
                                                  : 0;
    if (count == kBlock) {
      const Block block = lookAt(logits.subspan(first).first<kBlock>());
      if (!block.isWrong && (bits == 0 || !(block.largest > largest)))
        continue;
    }
    for (size_t i = first; i < first + count; ++i) {
      if (isNoNumber(logits[i]))
        return ~int32_t(i);
      if (bits >> (i - first) & 1)
        take(i);
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
