//===- BpeDecode.cpp - BpeTokenizer: ids to text --------------------------===//
#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/ByteLevel.h"

#include <charconv>

namespace strata {

static constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

/// A piece's own text. `first`: it begins a text.
std::string BpeTokenizer::pieceText(int32_t id, bool first) const {
  const bpe::Decoder &decoder = *tables->decoder();
  std::string text(piece(id));
  if (const std::string_view symbol = view(decoder.metaspace()); !symbol.empty())
    text = replaceAll(text, symbol, first && decoder.drop_first() ? "" : " ");
  for (const bpe::Replacement *rule : itemsOf(decoder.replacements()))
    text = replaceAll(text, view(rule->pattern()), view(rule->content()));
  return text;
}

/// `tokenizers` lets Rust parse the two characters: small letters and "+A" are numbers, too.
std::optional<char> BpeTokenizer::byteOf(std::string_view text) const {
  if (!tables->decoder()->bytes() || text.size() != 6 || !text.starts_with("<0x") || text[5] != '>')
    return std::nullopt;
  const char *begin = text.data() + (text[3] == '+' ? 4 : 3), *end = text.data() + 5;
  uint8_t byte;
  const auto [stop, error] = std::from_chars(begin, end, byte, 16);
  if (error != std::errc() || stop != end)
    return std::nullopt;
  return static_cast<char>(byte);
}

/// Takes away what the decoder strips from the beginning of the text.
std::string BpeTokenizer::strip(std::string text, DecodingState &state) const {
  const bpe::Decoder &decoder = *tables->decoder();
  const std::string_view character = view(decoder.strip());
  while (state.atStart && !character.empty() && state.stripped < decoder.strip_count() &&
         std::string_view(text).starts_with(character)) {
    text.erase(0, character.size());
    ++state.stripped;
  }
  state.atStart &= text.empty();
  return text;
}

std::string BpeTokenizer::pieceBytes(int32_t id) const {
  if (!isValid(id) || isControl(id) || piece(id).empty())
    return "";
  if (tables->decoder()->byte_level())
    return charactersAsBytes(piece(id)).value_or(std::string(piece(id)));
  const std::string text = pieceText(id, /*first=*/false);
  const std::optional<char> byte = byteOf(text);
  return std::string(view(tables->decoder()->separator())) + (byte ? std::string(1, *byte) : text);
}

std::string BpeTokenizer::push(int32_t id, DecodingState &state) const {
  if (isControl(id) || piece(id).empty())
    return "";
  if (tables->decoder()->byte_level())
    return state.text.push(charactersAsBytes(piece(id)).value_or(std::string(piece(id))),
                           Malformed::sequence);
  const bool first = state.atStart && !state.hasPieces;
  state.hasPieces = true;
  std::string result = first ? "" : std::string(view(tables->decoder()->separator()));
  const std::string text = pieceText(id, first);
  const std::optional<char> byte = byteOf(text);
  result += byte ? state.text.push({&*byte, 1}) : state.text.flush() + text;
  return strip(std::move(result), state);
}

/// Neighbouring bytes are characters if all of them are, else each of them is U+FFFD.
static void flushBytes(std::string &bytes, std::string &text) {
  if (isWellFormed(bytes))
    text += bytes;
  else
    for (size_t i = 0; i < bytes.size(); ++i)
      text += kReplacement;
  bytes.clear();
}

std::string BpeTokenizer::decodeValid(std::span<const int32_t> ids) const {
  if (tables->decoder()->byte_level())
    return Tokenizer::decodeValid(ids);
  std::string text, pending;
  bool first = true;
  for (int32_t id : ids) {
    if (isControl(id) || piece(id).empty())
      continue;
    const std::string part = pieceText(id, first);
    const std::optional<char> byte = byteOf(part);
    if (!byte)
      flushBytes(pending, text);
    text += first ? std::string_view() : view(tables->decoder()->separator());
    first = false;
    if (byte)
      pending += *byte;
    else
      text += part;
  }
  flushBytes(pending, text);
  DecodingState state;
  return strip(std::move(text), state);
}

} // namespace strata
