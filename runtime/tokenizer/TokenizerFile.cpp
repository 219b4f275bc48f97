//===- TokenizerFile.cpp - the tokenizer of a model folder ----------------===//
#include "runtime/tokenizer/TokenizerFile.h"

#include "runtime/base/MappedFile.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/TokenizerJson.h"
#include "runtime/tokenizer/TokenizerModel.h"

#include <filesystem>

namespace strata {

/// A SentencePiece model; errors call it `name`.
static absl::StatusOr<TokenizerSection> checkModel(std::string bytes, const std::string &file,
                                                   const std::string &name) {
  STRATA_ASSIGN(const TokenizerModel model, parseTokenizerModel(bytes, name));
  return TokenizerSection{"tokenizer", std::move(bytes), file, int64_t(model.pieces.size()), {}};
}

static absl::StatusOr<TokenizerSection> readModel(const std::string &file) {
  STRATA_ASSIGN(std::string bytes, readFile(file, kMaxTokenizerBytes));
  return checkModel(std::move(bytes), file, file);
}

static absl::StatusOr<TokenizerSection> readJson(const std::string &file) {
  STRATA_ASSIGN(const std::string text, readFile(file, kMaxTokenizerBytes));
  STRATA_ASSIGN(CompiledTokenizer compiled, compileTokenizerJson(text, file));
  STRATA_ASSIGN(const BpeTokenizer tokenizer,
                BpeTokenizer::load(std::as_bytes(std::span(compiled.tables)), file));
  const int64_t pieces = tokenizer.vocabularySize();
  return TokenizerSection{"tokenizer.bpe", std::move(compiled.tables), file, pieces,
                          std::move(compiled.prefix)};
}

/// What lies among the checkpoint's own files.
static absl::StatusOr<std::optional<TokenizerSection>>
readFromCheckpoint(const Checkpoint &checkpoint) {
  const std::optional<StoredTokenizer> &stored = checkpoint.tokenizer();
  if (!stored)
    return std::optional<TokenizerSection>();
  STRATA_ASSIGN(std::string bytes, stored->read(kMaxTokenizerBytes));
  STRATA_ASSIGN(TokenizerSection section,
                checkModel(std::move(bytes), checkpoint.files().front().path, stored->place));
  return section;
}

absl::StatusOr<std::optional<TokenizerSection>> readTokenizer(const std::string &folder,
                                                              const Checkpoint *checkpoint) {
  const auto path = [&](const char *name) {
    return (std::filesystem::path(folder) / name).string();
  };
  const auto read = [](auto section) -> absl::StatusOr<std::optional<TokenizerSection>> {
    STRATA_TRY(section.status());
    return *std::move(section);
  };
  if (checkpoint) {
    STRATA_ASSIGN(auto section, readFromCheckpoint(*checkpoint));
    if (section)
      return section;
  }
  std::error_code ignored;
  if (const std::string file = path("tokenizer.model"); std::filesystem::exists(file, ignored))
    return read(readModel(file));
  if (const std::string file = path("tokenizer.json"); std::filesystem::exists(file, ignored))
    return read(readJson(file));
  return std::optional<TokenizerSection>();
}

} // namespace strata
