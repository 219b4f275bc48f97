//===- Likeliest.h - the likeliest token of a row of logits -----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <span>

namespace strata {

/// The index of the largest logit, the lowest of equal ones. Below zero where there is none: ~i if
/// logits[i] is the first that is NaN or +infinity, ~n if all n are -infinity.
int32_t findLikeliest(std::span<const float> logits);

/// The token, or an error that says what is wrong, of what findLikeliest or a GPU found.
absl::StatusOr<int32_t> likeliestToken(int32_t found, int64_t vocabulary);

} // namespace strata
