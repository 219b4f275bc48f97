//===- SentencePieceTokenizer.cpp - a tokenizer.model ---------------------===//
#include "runtime/tokenizer/SentencePieceTokenizer.h"

#include "runtime/base/Status.h"
#include "runtime/tokenizer/SentencePiece.h"

#include "absl/strings/ascii.h"

#include <algorithm>

namespace strata {

static constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81"; // "▁", U+2581
static constexpr size_t kPartBytes = 64 << 10;
static constexpr size_t kMaxPartBytes = 4 << 20;
static constexpr size_t kMaxPartBytesWithoutFallback = 256 << 10;

//===----------------------------------------------------------------------===//
// Vocabulary
//===----------------------------------------------------------------------===//

SentencePieceTokenizer::SentencePieceTokenizer(TokenizerModel model,
                                               std::unique_ptr<SentencePiece> encoder)
    : model(std::move(model)), encoder(std::move(encoder)) {
  for (int32_t id = 0; id < vocabularySize(); ++id)
    if (isControl(id))
      controlPieces.push_back(id);
  std::stable_sort(controlPieces.begin(), controlPieces.end(),
                   [&](int32_t a, int32_t b) { return piece(a).size() > piece(b).size(); });
}

SentencePieceTokenizer::SentencePieceTokenizer(SentencePieceTokenizer &&) noexcept = default;
SentencePieceTokenizer &
SentencePieceTokenizer::operator=(SentencePieceTokenizer &&) noexcept = default;
SentencePieceTokenizer::~SentencePieceTokenizer() = default;

absl::StatusOr<SentencePieceTokenizer> SentencePieceTokenizer::load(std::string_view serialized,
                                                                    const std::string &file) {
  STRATA_ASSIGN(TokenizerModel model, parseTokenizerModel(serialized, file));
  std::string message;
  std::unique_ptr<SentencePiece> encoder = SentencePiece::load(serialized, &message);
  if (!encoder)
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": SentencePiece refuses the model: ", message));
  return SentencePieceTokenizer(std::move(model), std::move(encoder));
}

bool SentencePieceTokenizer::isControl(int32_t id) const {
  return isValid(id) && model.pieces[id].type == PieceType::control;
}

bool SentencePieceTokenizer::isUserDefined(int32_t id) const {
  return isValid(id) && model.pieces[id].type == PieceType::userDefined;
}

std::string_view SentencePieceTokenizer::piece(int32_t id) const {
  return isValid(id) ? std::string_view(model.pieces[id].text) : std::string_view();
}

std::optional<int32_t> SentencePieceTokenizer::idOf(std::string_view piece) const {
  for (int32_t id = 0; id < vocabularySize(); ++id)
    if (model.pieces[id].text == piece)
      return id;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Text to ids
//===----------------------------------------------------------------------===//

absl::Status SentencePieceTokenizer::appendPart(std::string_view text,
                                                std::vector<int32_t> &ids) const {
  const size_t most = model.byteFallback ? kMaxPartBytes : kMaxPartBytesWithoutFallback;
  if (text.size() > most)
    return absl::InvalidArgumentError(absl::StrCat(
        "text has ", text.size(), " bytes without a place to cut it, expected at most ", most));
  std::string message;
  if (!encoder->encode(text, &ids, &message))
    return absl::InternalError(absl::StrCat("cannot encode the text: ", message));
  return absl::OkStatus();
}

/// A single space between two letters or digits of ASCII: the last in the first kPartBytes of a
/// text that is longer, else the first behind; the text's size if there is none.
static size_t findCut(std::string_view text) {
  const auto isCut = [&](size_t at) {
    return text[at] == ' ' && absl::ascii_isalnum(text[at - 1]) && at + 1 < text.size() &&
           absl::ascii_isalnum(text[at + 1]);
  };
  for (size_t at = kPartBytes; at > 0; --at)
    if (isCut(at))
      return at;
  for (size_t at = kPartBytes + 1; at < text.size(); ++at)
    if (isCut(at))
      return at;
  return text.size();
}

/// A space at which the text is cut is the one that encoding puts before the next part, or it
/// begins that part.
absl::Status SentencePieceTokenizer::appendIds(std::string_view text,
                                               std::vector<int32_t> &ids) const {
  while (model.separatesWords && text.size() > kPartBytes) {
    const size_t cut = findCut(text);
    if (cut == text.size())
      break;
    STRATA_TRY(appendPart(text.substr(0, cut), ids));
    text.remove_prefix(model.addDummyPrefix ? cut + 1 : cut);
  }
  return appendPart(text, ids);
}

/// The longest control piece that `text` begins with.
std::optional<int32_t> SentencePieceTokenizer::controlPieceAt(std::string_view text) const {
  for (int32_t id : controlPieces)
    if (text.starts_with(piece(id)))
      return id;
  return std::nullopt;
}

absl::StatusOr<std::vector<int32_t>> SentencePieceTokenizer::encode(std::string_view text,
                                                                    ControlPieces control) const {
  if (text.size() > kMaxTextBytes)
    return absl::InvalidArgumentError(
        absl::StrCat("text has ", text.size(), " bytes, expected at most ", kMaxTextBytes));
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

std::string SentencePieceTokenizer::pieceBytes(int32_t id) const {
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
std::string SentencePieceTokenizer::push(int32_t id, DecodingState &state) const {
  if (byteOf(model.pieces[id])) {
    state.atStart = false;
    return state.text.push(pieceBytes(id));
  }
  std::string result = state.text.flush(); // bytes that did not become a character before
  std::string text = pieceBytes(id);
  const bool isText = !isControl(id) && id != unkId();
  if (state.atStart && isText && (model.addDummyPrefix || model.removeExtraWhitespaces) &&
      piece(id).starts_with(kSpaceSymbol)) {
    text.erase(0, 1);
    state.atStart = model.removeExtraWhitespaces;
  }
  state.atStart &= text.empty();
  return result + state.text.push(text) + state.text.flush();
}

} // namespace strata
