//===- FitTokenizer.h - a model and its tokenizer ---------------*- C++ -*-===//
#pragma once

#include "frontend/ModelConfig.h"
#include "runtime/tokenizer/TokenizerFile.h"

#include "absl/status/status.h"

namespace strata {

/// Decides whether texts begin with a token, and which, as transformers does: the post-processor of
/// a tokenizer.json says so itself; of a SentencePiece model add_bos_token does, and where
/// bos_token_id is null, the model's own BOS is meant. `tokenizer` is null where there is none.
/// What was decided over something else is told in the notes of `config`. An error, which names the
/// file, if more than one token is to come before texts.
absl::Status fitTokenizer(const TokenizerSection *tokenizer, ModelConfig &config);

} // namespace strata
