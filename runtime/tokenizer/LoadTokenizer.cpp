//===- LoadTokenizer.cpp - the tokenizer in a section of a package --------===//
#include "runtime/base/Status.h"
#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"

namespace strata {

template <typename T>
static absl::StatusOr<std::unique_ptr<Tokenizer>> asTokenizer(absl::StatusOr<T> tokenizer) {
  STRATA_TRY(tokenizer.status());
  return std::make_unique<T>(*std::move(tokenizer));
}

absl::StatusOr<std::unique_ptr<Tokenizer>>
loadTokenizer(std::string_view section, std::span<const std::byte> bytes, const std::string &file) {
  if (section == "tokenizer.bpe")
    return asTokenizer(BpeTokenizer::load(bytes, file));
  return asTokenizer(SentencePieceTokenizer::load(
      {reinterpret_cast<const char *>(bytes.data()), bytes.size()}, file));
}

} // namespace strata
