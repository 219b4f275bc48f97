//===- Tokenizer.cpp ------------------------------------------------------===//
#include "runtime/Tokenizer.h"

#include "runtime/SentencePiece.h"
#include "runtime/Status.h"

#include <algorithm>

namespace strata {

static constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81"; // "▁", U+2581
static constexpr size_t kMaxTextBytes = 4 << 20;
static constexpr size_t kMaxTextBytesWithoutFallback = 256 << 10;

//===----------------------------------------------------------------------===//
// Vocabulary
//===----------------------------------------------------------------------===//

Tokenizer::Tokenizer(TokenizerModel model, std::unique_ptr<SentencePiece> encoder)
    : model(std::move(model)), encoder(std::move(encoder)) {
  for (int32_t id = 0; id < vocabularySize(); ++id)
    if (isControl(id))
      controlPieces.push_back(id);
  std::stable_sort(controlPieces.begin(), controlPieces.end(),
                   [&](int32_t a, int32_t b) { return piece(a).size() > piece(b).size(); });
}

Tokenizer::Tokenizer(Tokenizer &&) noexcept = default;
Tokenizer &Tokenizer::operator=(Tokenizer &&) noexcept = default;
Tokenizer::~Tokenizer() = default;

absl::StatusOr<Tokenizer> Tokenizer::load(std::string_view serialized, const std::string &file) {
  STRATA_ASSIGN(TokenizerModel model, parseTokenizerModel(serialized, file));
  std::string message;
  std::unique_ptr<SentencePiece> encoder = SentencePiece::load(serialized, &message);
  if (!encoder)
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": SentencePiece refuses the model: ", message));
  return Tokenizer(std::move(model), std::move(encoder));
}

bool Tokenizer::isControl(int32_t id) const {
  return isValid(id) && model.pieces[id].type == PieceType::control;
}

bool Tokenizer::isUserDefined(int32_t id) const {
  return isValid(id) && model.pieces[id].type == PieceType::userDefined;
}

std::string_view Tokenizer::piece(int32_t id) const {
  return isValid(id) ? std::string_view(model.pieces[id].text) : std::string_view();
}

std::optional<int32_t> Tokenizer::idOf(std::string_view piece) const {
  for (int32_t id = 0; id < vocabularySize(); ++id)
    if (model.pieces[id].text == piece)
      return id;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Text to ids
//===----------------------------------------------------------------------===//

absl::Status Tokenizer::appendIds(std::string_view text, std::vector<int32_t> &ids) const {
  std::string message;
  if (!encoder->encode(text, &ids, &message))
    return absl::InternalError(absl::StrCat("cannot encode the text: ", message));
  return absl::OkStatus();
}

/// The longest control piece that `text` begins with.
std::optional<int32_t> Tokenizer::controlPieceAt(std::string_view text) const {
  for (int32_t id : controlPieces)
    if (text.starts_with(piece(id)))
      return id;
  return std::nullopt;
}

absl::StatusOr<std::vector<int32_t>> Tokenizer::encode(std::string_view text,
                                                       ControlPieces control) const {
  const size_t limit = model.byteFallback ? kMaxTextBytes : kMaxTextBytesWithoutFallback;
  if (text.size() > limit)
    return absl::InvalidArgumentError(
        absl::StrCat("text has ", text.size(), " bytes, expected at most ", limit));
  std::vector<int32_t> ids;
  size_t begin = 0; // of the stretch not yet encoded
  for (size_t at = 0; control == ControlPieces::asIds && at < text.size();) {
    const std::optional<int32_t> id = controlPieceAt(text.substr(at));
    if (!id) {
      ++at;
      continue;
    }
    STRATA_TRY(appendIds(text.substr(begin, at - begin), ids));
    ids.push_back(*id);
    begin = at += piece(*id).size();
  }
  STRATA_TRY(appendIds(text.substr(begin), ids));
  return ids;
}

//===----------------------------------------------------------------------===//
// Ids to text
//===----------------------------------------------------------------------===//

/// With spaces for every "▁".
static std::string withSpaces(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t at = std::min(text.find(kSpaceSymbol), text.size());
    result.append(text.substr(0, at));
    text.remove_prefix(at);
    if (!text.empty()) {
      result.push_back(' ');
      text.remove_prefix(kSpaceSymbol.size());
    }
  }
  return result;
}

std::string Tokenizer::pieceBytes(int32_t id) const {
  if (!isValid(id) || isControl(id))
    return "";
  if (id == unkId())
    return model.unkSurface;
  if (const std::optional<uint8_t> byte = byteOf(model.pieces[id]))
    return std::string(1, static_cast<char>(*byte));
  return withSpaces(piece(id));
}

/// At the start of a text, a piece loses the "▁" it begins with: one piece does where encoding adds
/// a space, and every piece until there is text where encoding removes spaces.
std::string Detokenizer::push(int32_t id) {
  if (!tokenizer->isValid(id))
    return "";
  const TokenizerModel &model = tokenizer->model;
  if (byteOf(model.pieces[id])) {
    atStart = false;
    return text.push(tokenizer->pieceBytes(id));
  }
  std::string result = text.flush(); // bytes that did not become a character before this piece
  std::string piece = tokenizer->pieceBytes(id);
  const bool isText = !tokenizer->isControl(id) && id != tokenizer->unkId();
  if (atStart && isText && (model.addDummyPrefix || model.removeExtraWhitespaces) &&
      tokenizer->piece(id).starts_with(kSpaceSymbol)) {
    piece.erase(0, 1);
    atStart = model.removeExtraWhitespaces;
  }
  atStart &= piece.empty();
  return result + text.push(piece) + text.flush();
}

absl::StatusOr<std::string> Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  Detokenizer detokenizer(*this, Detokenizer::Start::ofText);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!isValid(ids[i]))
      return absl::InvalidArgumentError(
          absl::StrCat("ids[", i, "] is ", ids[i], ", expected 0 to ", vocabularySize() - 1));
    text += detokenizer.push(ids[i]);
  }
  return text + detokenizer.flush();
}

} // namespace strata
