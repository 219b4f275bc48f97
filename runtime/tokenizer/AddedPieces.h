//===- AddedPieces.h - tokens that were added later -------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

struct TokenizerModel;

/// A token that fine-tuning gave to a tokenizer.model, in a file beside it.
struct AddedPiece {
  int64_t id;
  std::string text;
};

/// Those in added_tokens.json, {TEXT: ID, ...}, and under added_tokens_decoder, {"ID": {"content":
/// TEXT, ...}, ...}, of tokenizer_config.json in `folder`, by ascending id. What else is said of
/// them and not followed goes to `notes`.
absl::StatusOr<std::vector<AddedPiece>> readAddedPieces(const std::string &folder,
                                                        std::vector<std::string> &notes);

/// `serialized`, a SentencePiece model that `model` is the contents of, with those of `pieces` that
/// it does not have as user-defined pieces at its end: as in transformers, their order counts and
/// not their ids; `notes` tell of ids that are others.
std::string addPieces(std::string serialized, const TokenizerModel &model,
                      const std::vector<AddedPiece> &pieces, std::vector<std::string> &notes);

} // namespace strata
