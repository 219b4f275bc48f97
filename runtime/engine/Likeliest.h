//===- Likeliest.h - the likeliest token of a row of logits -----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <span>

namespace strata {

/// Which tokens may be drawn: bit i % 64 of word i / 64 is token i's; those without a word may not.
/// No words: all may.
using AllowedTokens = std::span<const uint64_t>;

/// The index of the largest logit of a token that may be drawn, the lowest of equal ones. Below
/// zero where there is none: ~i if logits[i] is the first, allowed or not, that is NaN or
/// +infinity, ~n if all n that are allowed are -infinity.
int32_t findLikeliest(std::span<const float> logits, AllowedTokens allowed = {});

/// The token, or an error that says what is wrong, of what findLikeliest or a GPU found.
absl::StatusOr<int32_t> likeliestToken(int32_t found, int64_t vocabulary);

} // namespace strata
