//===- TokenizerFile.cpp --------------------------------------------------===//
#include "runtime/TokenizerFile.h"

#include "runtime/BpeTokenizer.h"
#include "runtime/Checkpoint.h"
#include "runtime/MappedFile.h"
#include "runtime/Status.h"
#include "runtime/TokenizerJson.h"
#include "runtime/TokenizerModel.h"
#include "runtime/formats/GgufFile.h"
#include "runtime/formats/GgufVocabulary.h"

#include <filesystem>

namespace strata {

static absl::StatusOr<TokenizerSection> readModel(const std::string &file) {
  STRATA_ASSIGN(std::string bytes, readFile(file, kMaxTokenizerBytes));
  STRATA_ASSIGN(const TokenizerModel model, parseTokenizerModel(bytes, file));
  return TokenizerSection{"tokenizer", std::move(bytes), file, int64_t(model.pieces.size()), {}};
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

static absl::StatusOr<std::optional<TokenizerSection>> readGguf(const std::string &file) {
  STRATA_ASSIGN(const MappedFile mapped, MappedFile::open(file));
  STRATA_ASSIGN(const GgufFile gguf, GgufFile::read(mapped.bytes(), file, "nemotron"));
  STRATA_ASSIGN(std::string bytes, sentencePieceModel(gguf));
  if (bytes.empty())
    return std::optional<TokenizerSection>();
  STRATA_ASSIGN(const TokenizerModel model,
                parseTokenizerModel(bytes, absl::StrCat(file, ": tokenizer.ggml")));
  return TokenizerSection{"tokenizer", std::move(bytes), file, int64_t(model.pieces.size()), {}};
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
  if (checkpoint && !checkpoint->files().empty() &&
      checkpoint->files().front().name.ends_with(".gguf")) {
    STRATA_ASSIGN(auto section, readGguf(path(checkpoint->files().front().name.c_str())));
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
