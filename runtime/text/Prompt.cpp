//===- Prompt.cpp - how a text begins -------------------------------------===//

#include "runtime/text/Prompt.h"

#include "runtime/base/Status.h"

namespace strata {

absl::StatusOr<std::vector<int32_t>>
encodePrompt(const Tokenizer &tokenizer, const package::Model &model, const std::string &text) {
  STRATA_ASSIGN(std::vector<int32_t> tokens, tokenizer.encode(text));
  if (model.add_bos() || (tokens.empty() && model.bos_token() >= 0))
    tokens.insert(tokens.begin(), model.bos_token());
  if (tokens.empty())
    return absl::InvalidArgumentError("prompt: expected at least 1 token, found none");
  return tokens;
}

} // namespace strata
