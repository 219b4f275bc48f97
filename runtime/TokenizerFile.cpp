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

static absl::StatusOr<std::optional<TokenizerSection>> readGguf(const std::string &file) {
  STRATA_ASSIGN(const MappedFile mapped, MappedFile::open(file));
  STRATA_ASSIGN(const GgufFile gguf, GgufFile::read(mapped.bytes(), file, "nemotron"));
  STRATA_ASSIGN(std::string bytes, sentencePieceModel(gguf));
  if (bytes.empty())
    return std::optional<TokenizerSection>();
  STRATA_ASSIGN(TokenizerSection section,
                checkModel(std::move(bytes), file, absl::StrCat(file, ": tokenizer.ggml")));
  return section;
}

/// What lies among the checkpoint's own files.
static absl::StatusOr<std::optional<TokenizerSection>>
readFromCheckpoint(const Checkpoint &checkpoint) {
  if (checkpoint.files().empty())
    return std::optional<TokenizerSection>();
  const std::string &file = checkpoint.files().front().path;
  if (file.ends_with(".gguf"))
    return readGguf(file);
  const std::span<const std::byte> bytes = checkpoint.tokenizer();
  if (bytes.empty())
    return std::optional<TokenizerSection>();
  if (bytes.size() > kMaxTokenizerBytes)
    return absl::InvalidArgumentError(absl::StrCat(file, ": tokenizer: expected at most ",
                                                   kMaxTokenizerBytes, " bytes, found ",
                                                   bytes.size()));
  STRATA_ASSIGN(TokenizerSection section,
                checkModel(std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size()),
                           file, absl::StrCat(file, ": tokenizer")));
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
