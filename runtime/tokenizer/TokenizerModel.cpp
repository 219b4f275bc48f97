//===- TokenizerModel.cpp - what a tokenizer.model says -------------------===//
//
// After these checks SentencePiece loads the model in this process. A trial in a forked child was
// considered and left out: for a vocabulary of 256,000 it would cost every start 50 ms and more;
// fork() from a process with threads may only call a few functions of the C library, and allocating
// memory is not among them; and of the crashes known, none is left (the test mutates models at
// random and uses what passes here).
//
//===----------------------------------------------------------------------===//
#include "runtime/tokenizer/TokenizerModel.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/tokenizer/TokenizerCharsmap.h"
#include "runtime/tokenizer/TokenizerProto.h"

#include "absl/strings/str_format.h"

#include <algorithm>
#include <unordered_map>

namespace strata {

// The size of an array on SentencePiece's stack.
static constexpr size_t kMaxUserDefinedPrefixes = 64;

static absl::Status invalid(absl::string_view message) {
  return absl::InvalidArgumentError(message);
}

static absl::Status checkModelType(const TokenizerSpecs &specs) {
  if (specs.modelType == kBpe || specs.modelType == kUnigram)
    return absl::OkStatus();
  const absl::string_view name = specs.modelType == kWord   ? " (words)"
                                 : specs.modelType == kChar ? " (characters)"
                                                            : "";
  return absl::UnimplementedError(
      absl::StrCat("model_type is ", specs.modelType, name, ", expected 1 (unigram) or 2 (BPE)"));
}

static absl::Status checkDistinct(const std::vector<Piece> &pieces) {
  std::unordered_map<std::string_view, size_t> ids;
  ids.reserve(pieces.size());
  for (size_t id = 0; id < pieces.size(); ++id)
    if (const auto [first, isNew] = ids.try_emplace(pieces[id].text, id); !isNew)
      return invalid(absl::StrCat("pieces ", first->second, " and ", id, " are both ",
                                  quote(pieces[id].text)));
  return absl::OkStatus();
}

/// Byte pieces are "<0x00>" to "<0xFF>": all of them if the model falls back to bytes, else none.
static absl::Status checkBytePieces(const std::vector<Piece> &pieces, bool byteFallback) {
  size_t count = 0;
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].type != PieceType::byte)
      continue;
    ++count;
    if (!byteOf(pieces[id]))
      return invalid(absl::StrCat("piece ", id, ": expected a byte such as \"<0x0A>\", found ",
                                  quote(pieces[id].text)));
  }
  const size_t expected = byteFallback ? 256 : 0;
  if (count != expected)
    return invalid(absl::StrCat("expected ", expected, " byte pieces, found ", count));
  return absl::OkStatus();
}

/// SentencePiece builds tries of C strings from the user-defined pieces, and of all if unigram.
static absl::Status checkNoNul(const std::vector<Piece> &pieces, int32_t modelType) {
  for (size_t id = 0; id < pieces.size(); ++id)
    if ((pieces[id].type == PieceType::userDefined || modelType == kUnigram) &&
        pieces[id].text.find('\0') != std::string::npos)
      return invalid(absl::StrCat("piece ", id, ": holds a NUL"));
  return absl::OkStatus();
}

/// That no user-defined piece begins with more than 63 others.
static absl::Status checkUserDefinedPrefixes(const std::vector<Piece> &pieces) {
  std::vector<std::string_view> texts;
  for (const Piece &piece : pieces)
    if (piece.type == PieceType::userDefined)
      texts.push_back(piece.text);
  std::sort(texts.begin(), texts.end());
  std::vector<std::string_view> chain; // each the beginning of the next, the last of `text`
  for (std::string_view text : texts) {
    while (!chain.empty() && !text.starts_with(chain.back()))
      chain.pop_back();
    chain.push_back(text);
    if (chain.size() > kMaxUserDefinedPrefixes)
      return invalid(absl::StrCat("more than ", kMaxUserDefinedPrefixes,
                                  " user-defined pieces begin alike: ", quote(text)));
  }
  return absl::OkStatus();
}

static absl::Status checkIds(const TokenizerSpecs &specs, size_t pieces) {
  const auto check = [&](absl::string_view name, int32_t id, int32_t min) {
    if (id >= min && id < static_cast<int64_t>(pieces))
      return absl::OkStatus();
    return invalid(absl::StrFormat("%s is %d, expected %d to %d", name, id, min, pieces - 1));
  };
  STRATA_TRY(check("unk_id", specs.unkId, 0));
  STRATA_TRY(check("bos_id", specs.bosId, -1));
  STRATA_TRY(check("eos_id", specs.eosId, -1));
  return check("pad_id", specs.padId, -1);
}

/// Like SentencePiece, by name and not by the ids of the TrainerSpec: the control piece `name`.
static std::optional<int32_t> findControl(const std::vector<Piece> &pieces, std::string_view name,
                                          std::string_view defaultName) {
  const std::string_view wanted = name.empty() ? defaultName : name;
  for (size_t id = 0; id < pieces.size(); ++id)
    if (pieces[id].type == PieceType::control && pieces[id].text == wanted)
      return static_cast<int32_t>(id);
  return std::nullopt;
}

static absl::Status findSpecialIds(const TokenizerSpecs &specs, TokenizerModel &model) {
  size_t unknown = 0;
  for (size_t id = 0; id < model.pieces.size(); ++id)
    if (model.pieces[id].type == PieceType::unknown) {
      ++unknown;
      model.unkId = static_cast<int32_t>(id);
    }
  if (unknown != 1)
    return invalid(absl::StrCat("expected one unknown piece, found ", unknown));
  model.bosId = findControl(model.pieces, specs.bosPiece, "<s>");
  model.eosId = findControl(model.pieces, specs.eosPiece, "</s>");
  model.padId = findControl(model.pieces, specs.padPiece, "<pad>");
  return absl::OkStatus();
}

/// Whether a piece has a space behind something else, or is found before spaces are "▁".
static bool reachesOverSpace(const Piece &piece) {
  constexpr std::string_view kSpace = "\xE2\x96\x81"; // "▁"
  std::string_view text = piece.text;
  if (piece.type == PieceType::userDefined && text.find(' ') != std::string_view::npos)
    return true;
  while (text.starts_with(kSpace))
    text.remove_prefix(kSpace.size());
  return text.find(kSpace) != std::string_view::npos;
}

static bool separatesWords(const TokenizerSpecs &specs, const TokenizerModel &model,
                           const CharsmapFacts &rules) {
  const auto isSpace = [](const Piece &piece) {
    return piece.type == PieceType::normal && piece.text == "\xE2\x96\x81";
  };
  return specs.modelType == kBpe && !specs.spacesAreSuffixes && specs.escapesSpaces &&
         rules.spacesAreAlone && (model.addDummyPrefix || !model.removeExtraWhitespaces) &&
         std::any_of(model.pieces.begin(), model.pieces.end(), isSpace) &&
         std::none_of(model.pieces.begin(), model.pieces.end(), reachesOverSpace);
}

static absl::Status checkModel(const TokenizerSpecs &specs, TokenizerModel &model) {
  if (model.pieces.empty())
    return invalid("no pieces; is this a SentencePiece model?");
  STRATA_TRY(checkModelType(specs));
  STRATA_TRY(checkDistinct(model.pieces));
  STRATA_TRY(checkBytePieces(model.pieces, model.byteFallback));
  STRATA_TRY(checkNoNul(model.pieces, specs.modelType));
  STRATA_TRY(checkUserDefinedPrefixes(model.pieces));
  STRATA_TRY(checkIds(specs, model.pieces.size()));
  if (!specs.denormalizerCharsmap.empty())
    return absl::UnimplementedError("models with a denormalizer are not supported yet");
  CharsmapFacts rules;
  if (!specs.charsmap.empty()) {
    STRATA_ASSIGN(rules, checkCharsmap(specs.charsmap));
  }
  model.separatesWords = separatesWords(specs, model, rules);
  return findSpecialIds(specs, model);
}

std::optional<uint8_t> byteOf(const Piece &piece) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const std::string_view text = piece.text;
  if (piece.type != PieceType::byte || text.size() != 6 || !text.starts_with("<0x") ||
      text[5] != '>')
    return std::nullopt;
  const size_t high = kDigits.find(text[3]), low = kDigits.find(text[4]);
  if (high == std::string_view::npos || low == std::string_view::npos)
    return std::nullopt;
  return static_cast<uint8_t>(high << 4 | low);
}

absl::StatusOr<TokenizerModel> parseTokenizerModel(std::string_view serialized,
                                                   const std::string &file) {
  if (serialized.size() > kMaxTokenizerBytes)
    return invalid(absl::StrCat(file, ": file has ", serialized.size(), " bytes, expected at most ",
                                kMaxTokenizerBytes));
  TokenizerSpecs specs;
  TokenizerModel model;
  if (absl::Status status = readTokenizerProto(serialized, specs, model); !status.ok())
    return annotate(status, absl::StrCat(file, ": not a SentencePiece model"));
  if (absl::Status status = checkModel(specs, model); !status.ok())
    return annotate(status, file);
  return model;
}

} // namespace strata
