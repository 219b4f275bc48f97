//===- FitTokenizer.cpp - a model and its tokenizer -----------------------===//

#include "frontend/FitTokenizer.h"

#include "runtime/base/Status.h"

#include "absl/strings/str_join.h"

namespace strata {
namespace {

/// Ids without a row in the embedding are refused where a text has them.
void compareSizes(const TokenizerSection &tokenizer, ModelConfig &config) {
  if (tokenizer.pieces > config.vocabulary)
    config.notes.push_back(absl::StrCat(tokenizer.file, ": has ", tokenizer.pieces,
                                        " pieces, the model rows for ", config.vocabulary,
                                        "; texts with others cannot be run"));
}

/// What the tokenizer itself puts before every text.
absl::Status followPrefix(const TokenizerSection &tokenizer, ModelConfig &config) {
  const std::vector<int32_t> &prefix = tokenizer.prefix;
  if (prefix.size() > 1)
    return absl::InvalidArgumentError(
        absl::StrCat(tokenizer.file, ": post_processor: expected at most one token before a text, ",
                     "found ", absl::StrJoin(prefix, ", ")));
  const bool addBos = !prefix.empty();
  const auto note = [&](const auto &...parts) {
    config.notes.push_back(
        absl::StrCat(tokenizer.file, ": post_processor: texts begin ", parts...));
  };
  if (addBos && prefix[0] != config.bosToken)
    note("with ", prefix[0], ", whatever bos_token_id says");
  if (config.addBosKnown && config.addBos != addBos)
    note(addBos ? "with BOS" : "without BOS", ", whatever add_bos_token says");
  config.addBos = addBos;
  if (addBos)
    config.bosToken = prefix[0];
  return absl::OkStatus();
}

} // namespace

absl::Status fitTokenizer(const TokenizerSection *tokenizer, ModelConfig &config) {
  if (tokenizer) {
    compareSizes(*tokenizer, config);
    if (tokenizer->hasPostProcessor)
      STRATA_TRY(followPrefix(*tokenizer, config));
    if (config.bosToken < 0 && tokenizer->bos < config.vocabulary)
      config.bosToken = tokenizer->bos;
  }
  if (config.addBos && config.bosToken < 0) {
    config.notes.push_back(
        absl::StrCat(config.name, ": add_bos_token: not followed, as there is no BOS"));
    config.addBos = false;
  }
  if (config.bosToken >= config.vocabulary)
    return absl::InvalidArgumentError(
        absl::StrCat(tokenizer->file, ": post_processor: expected a token of the model's ",
                     config.vocabulary, " before a text, found ", config.bosToken));
  return absl::OkStatus();
}

} // namespace strata
