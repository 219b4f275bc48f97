//===- TokenizerFile.cpp - the tokenizer of a model folder ----------------===//
#include "runtime/tokenizer/TokenizerFile.h"

#include "runtime/base/MappedFile.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/tokenizer/AddedPieces.h"
#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/TokenizerJson.h"
#include "runtime/tokenizer/TokenizerModel.h"

#include <algorithm>
#include <filesystem>

namespace strata {

/// A SentencePiece model; errors call it `name`.
static absl::StatusOr<TokenizerSection> checkModel(std::string bytes, const std::string &file,
                                                   const std::string &name) {
  STRATA_ASSIGN(const TokenizerModel model, parseTokenizerModel(bytes, name));
  TokenizerSection section{"tokenizer", std::move(bytes), file, int64_t(model.pieces.size())};
  section.bos = model.bosId.value_or(-1);
  return section;
}

/// The model with the tokens that the files beside it add.
static absl::StatusOr<TokenizerSection> readModel(const std::string &folder,
                                                  const std::string &file) {
  STRATA_ASSIGN(std::string bytes, readFile(file, kMaxTokenizerBytes));
  STRATA_ASSIGN(const TokenizerModel model, parseTokenizerModel(bytes, file));
  std::vector<std::string> notes;
  STRATA_ASSIGN(const std::vector<AddedPiece> added, readAddedPieces(folder, notes));
  bytes = addPieces(std::move(bytes), model, added, notes);
  STRATA_ASSIGN(TokenizerSection section, checkModel(std::move(bytes), file, file));
  section.notes = std::move(notes);
  return section;
}

static absl::StatusOr<TokenizerSection> readJson(const std::string &file) {
  STRATA_ASSIGN(const std::string text, readFile(file, kMaxTokenizerBytes));
  STRATA_ASSIGN(CompiledTokenizer compiled, compileTokenizerJson(text, file));
  STRATA_ASSIGN(const BpeTokenizer tokenizer,
                BpeTokenizer::load(std::as_bytes(std::span(compiled.tables)), file));
  TokenizerSection section{"tokenizer.bpe", std::move(compiled.tables), file,
                           tokenizer.vocabularySize()};
  section.hasPostProcessor = true;
  section.prefix = std::move(compiled.prefix);
  section.notes = std::move(compiled.notes);
  return section;
}

/// In how many ids a tokenizer.model differs from the tokenizer.json that is taken instead.
static absl::StatusOr<int64_t> countDifferences(const TokenizerSection &json,
                                                const std::string &file) {
  STRATA_ASSIGN(const std::string bytes, readFile(file, kMaxTokenizerBytes));
  STRATA_ASSIGN(const TokenizerModel model, parseTokenizerModel(bytes, file));
  STRATA_ASSIGN(const BpeTokenizer tokenizer,
                BpeTokenizer::load(std::as_bytes(std::span(json.bytes)), json.file));
  const auto pieces = std::max(json.pieces, int64_t(model.pieces.size()));
  int64_t differences = 0;
  for (int64_t id = 0; id < pieces; ++id) {
    const bool isIn = id < int64_t(model.pieces.size());
    differences += (isIn ? std::string_view(model.pieces[size_t(id)].text) : "") !=
                   tokenizer.piece(int32_t(id));
  }
  return differences;
}

/// As transformers does, takes the tokenizer.json: fine-tuning adds tokens there. Where rules in it
/// are not supported, the tokenizer.model is, and what is added to it.
static absl::StatusOr<TokenizerSection> choose(const std::string &folder, const std::string &json,
                                               const std::string &model) {
  absl::StatusOr<TokenizerSection> section = readJson(json);
  if (!section.ok()) {
    STRATA_ASSIGN(TokenizerSection other, readModel(folder, model));
    other.notes.push_back(
        absl::StrCat(section.status().message(), "; reads tokenizer.model instead"));
    return other;
  }
  const absl::StatusOr<int64_t> differences = countDifferences(*section, model);
  if (!differences.ok())
    section->notes.push_back(
        absl::StrCat(differences.status().message(), "; not needed beside ", "tokenizer.json"));
  else if (*differences > 0)
    section->notes.push_back(absl::StrCat(json, ": read, and not tokenizer.model, as transformers ",
                                          "does; they differ in ", *differences, " pieces"));
  return section;
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
  if (checkpoint) {
    STRATA_ASSIGN(auto section, readFromCheckpoint(*checkpoint));
    if (section)
      return section;
  }
  const std::filesystem::path place(folder);
  const std::string json = place / "tokenizer.json", model = place / "tokenizer.model";
  std::error_code ignored;
  const bool hasJson = std::filesystem::exists(json, ignored);
  const bool hasModel = std::filesystem::exists(model, ignored);
  if (!hasJson && !hasModel)
    return std::optional<TokenizerSection>();
  STRATA_ASSIGN(TokenizerSection section, hasJson && hasModel ? choose(folder, json, model)
                                          : hasJson           ? readJson(json)
                                                              : readModel(folder, model));
  return section;
}

} // namespace strata
