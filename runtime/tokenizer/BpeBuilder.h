//===- BpeBuilder.h - tables of a byte-pair encoding ------------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Bpe_generated.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace strata {

/// Collects pieces, added tokens and merges, and writes them as tables (Bpe.fbs). What has no order
/// to keep goes to `tables` directly. Errors say what is wrong but not where; nothing is changed
/// then.
class BpeBuilder {
public:
  bpe::TablesT tables; // normalizers, splits, decoder and flags

  absl::Status addPiece(std::string text, int64_t id);
  std::optional<uint32_t> idOf(const std::string &text) const;

  /// Joins two pieces; the one that stands for both must exist. Later calls have larger ranks; if
  /// one names a pair again, the last counts.
  absl::Status addMerge(const std::string &left, const std::string &right);

  /// A token with `token.id`, whose piece must exist or becomes one. The normalizers, which must be
  /// known before, must not change one that is to be found in the normalized text.
  absl::Status addToken(bpe::AddedT token, bool special);

  /// The bytes of the tables, verified.
  absl::StatusOr<std::string> finish();

private:
  struct Merge {
    uint32_t left, right, rank, result;
  };

  absl::Status checkNormalized(const bpe::AddedT &token) const;
  void writePieces();
  void writeMerges();

  std::unordered_map<std::string, uint32_t> ids;
  std::vector<bool> taken; // by id
  std::vector<Merge> merges;
  std::unordered_set<std::string> added; // texts of tokens
};

} // namespace strata
