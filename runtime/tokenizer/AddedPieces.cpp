//===- AddedPieces.cpp - tokens that were added later ---------------------===//
#include "runtime/tokenizer/AddedPieces.h"

#include "runtime/base/Json.h"
#include "runtime/base/ProtobufWriter.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/tokenizer/TokenizerModel.h"

#include "absl/strings/numbers.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

namespace strata {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t(16) << 20;
constexpr IntegerRange kIds = {0, int64_t(1) << 24};
constexpr float kScore = 0; // of user-defined pieces, which are found before all else

/// The object in a file, or nothing if there is no such file.
absl::StatusOr<std::optional<JsonDocument>> openIfThere(const std::string &folder, const char *name,
                                                        std::vector<std::string> &notes) {
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  if (std::error_code ignored; !std::filesystem::exists(path, ignored))
    return std::optional<JsonDocument>();
  STRATA_ASSIGN(JsonDocument document, JsonDocument::parseFile(path, kMaxFileBytes, &notes));
  return std::optional(std::move(document));
}

absl::Status readList(const JsonObject &tokens, std::vector<AddedPiece> &pieces) {
  for (const JsonMember &member : tokens.members()) {
    STRATA_ASSIGN(const int64_t id, member.value.integer(kIds));
    pieces.push_back({id, std::string(member.key)});
  }
  return absl::OkStatus();
}

absl::Status readDecoder(const JsonObject &tokens, std::vector<AddedPiece> &pieces,
                         std::vector<std::string> &notes) {
  for (const JsonMember &member : tokens.members()) {
    int64_t id;
    if (!absl::SimpleAtoi(absl::string_view(member.key.data(), member.key.size()), &id) || id < 0)
      return member.value.error("expected an id as its key");
    STRATA_ASSIGN(const JsonObject token, member.value.object());
    STRATA_ASSIGN(const std::string_view text, token.string("content"));
    for (const char *key : {"lstrip", "rstrip", "single_word"}) {
      STRATA_ASSIGN(const auto flag, token.optionalBoolean(key));
      if (flag.value_or(false))
        notes.emplace_back(
            token.error(key, "true is not followed beside a tokenizer.model").message());
    }
    pieces.push_back({id, std::string(text)});
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<std::vector<AddedPiece>> readAddedPieces(const std::string &folder,
                                                        std::vector<std::string> &notes) {
  std::vector<AddedPiece> pieces;
  STRATA_ASSIGN(const auto list, openIfThere(folder, "added_tokens.json", notes));
  if (list) {
    STRATA_ASSIGN(const JsonObject tokens, list->object());
    STRATA_TRY(readList(tokens, pieces));
  }
  std::vector<std::string> told; // by whoever reads the rest of it
  STRATA_ASSIGN(const auto config, openIfThere(folder, "tokenizer_config.json", told));
  if (config) {
    STRATA_ASSIGN(const JsonObject object, config->object());
    STRATA_ASSIGN(const auto tokens, object.optionalObject("added_tokens_decoder"));
    if (tokens)
      STRATA_TRY(readDecoder(*tokens, pieces, notes));
  }
  std::ranges::stable_sort(pieces, {}, &AddedPiece::id);
  return pieces;
}

std::string addPieces(std::string serialized, const TokenizerModel &model,
                      const std::vector<AddedPiece> &pieces, std::vector<std::string> &notes) {
  std::set<std::string_view> known;
  for (const Piece &piece : model.pieces)
    known.insert(piece.text);
  auto next = int64_t(model.pieces.size());
  for (const AddedPiece &piece : pieces) {
    if (!known.insert(piece.text).second)
      continue;
    if (piece.id != next)
      notes.push_back(absl::StrCat("added token ", quote(piece.text), ": is ", next,
                                   ", the next after the vocabulary, as in transformers, not ",
                                   piece.id));
    ++next;
    serialized += protobuf::text(1, protobuf::text(1, piece.text) + protobuf::real(2, kScore) +
                                        protobuf::number(3, int(PieceType::userDefined)));
  }
  return serialized;
}

} // namespace strata
