//===- BpeVerify.h - are these the tables of a tokenizer? -------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Bpe_generated.h"

#include "absl/status/statusor.h"

#include <cstddef>
#include <span>

namespace strata {

/// The tables in `bytes`, which must outlive them, if nothing that reads them can go wrong: every
/// index is in range, every list in its order, every string well-formed UTF-8 and every pattern
/// not empty. DATA_LOSS otherwise, naming the field.
absl::StatusOr<const bpe::Tables *> verifyBpeTables(std::span<const std::byte> bytes);

/// Sizes that are accepted, also by the readers that make such tables.
inline constexpr size_t kMaxBpePieces = size_t(1) << 20;
inline constexpr size_t kMaxBpePieceBytes = 4096;
inline constexpr size_t kMaxBpeMerges = size_t(1) << 22;
inline constexpr size_t kMaxBpeRules = 64;     // normalizers, splits, replacements
inline constexpr size_t kMaxBpeRuleBytes = 64; // of their strings
inline constexpr size_t kMaxAddedBytes = 256;  // of an added token's text

} // namespace strata
