//===- CompareModels.h - two models on the same text ------------*- C++ -*-===//
#pragma once

#include "tools/score/Divergence.h"

namespace strata {

/// Runs the windows on both engines, which must have the same vocabulary, a few rows at a time, so
/// that no logits are kept; rows are compared by the model's threads. `begin`, if there is one,
/// takes the place of each window's first token. `told` hears of each window when it is done, how
/// many are by now and what they gave; its error ends it.
absl::StatusOr<Divergence>
compareModels(Engine &model, Engine &base, std::span<const int32_t> tokens,
              std::span<const Window> windows, std::optional<int32_t> begin,
              absl::FunctionRef<absl::Status(size_t done, const Divergence &soFar)> told);

} // namespace strata
