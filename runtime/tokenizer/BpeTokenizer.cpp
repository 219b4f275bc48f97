//===- BpeTokenizer.cpp - the tokenizer of a tokenizer.json ---------------===//
#include "runtime/tokenizer/BpeTokenizer.h"

#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/BpeVerify.h"

#include "absl/strings/str_format.h"

#include <algorithm>

namespace strata {

static constexpr size_t kMaxTextBytes = 4 << 20;

//===----------------------------------------------------------------------===//
// Vocabulary
//===----------------------------------------------------------------------===//

absl::StatusOr<BpeTokenizer> BpeTokenizer::load(std::span<const std::byte> bytes,
                                                const std::string &name) {
  absl::StatusOr<const bpe::Tables *> tables = verifyBpeTables(bytes);
  if (!tables.ok())
    return annotate(tables.status(), name);
  return BpeTokenizer(**tables);
}

BpeTokenizer::BpeTokenizer(const bpe::Tables &tables)
    : tables(&tables), rawTokens(tables, false), normalizedTokens(tables, true), merges(tables),
      indices(tables.kinds()->size()), inModel(tables.kinds()->size(), true) {
  for (uint32_t i = 0; i < tables.ids()->size(); ++i)
    indices[tables.ids()->Get(i)] = i;
  for (const bpe::Added *added : itemsOf(tables.added()))
    inModel[added->id()] = added->in_model();
  indexCharacters();
  for (int byte = 0; byte < 256; ++byte)
    bytes[byte] = modelIdOf(absl::StrFormat("<0x%02X>", byte)).value_or(-1);
}

/// Texts ascend as their bytes do, and so do characters.
void BpeTokenizer::indexCharacters() {
  for (uint32_t i = 0; i < tables->ids()->size(); ++i)
    if (const std::string_view text = textAt(i);
        characterBytes(text[0]) == text.size() && inModel[tables->ids()->Get(i)])
      characters.push_back({firstCharacter(text), int32_t(tables->ids()->Get(i))});
}

std::string_view BpeTokenizer::textAt(size_t index) const {
  const uint32_t begin = index == 0 ? 0 : tables->text_ends()->Get(index - 1);
  return {reinterpret_cast<const char *>(tables->texts()->data()) + begin,
          tables->text_ends()->Get(index) - begin};
}

bool BpeTokenizer::isControl(int32_t id) const {
  return isValid(id) && tables->kinds()->Get(id) == bpe::Kind::special;
}

std::string_view BpeTokenizer::piece(int32_t id) const {
  const bool exists = isValid(id) && tables->kinds()->Get(id) != bpe::Kind::absent;
  return exists ? textAt(indices[id]) : std::string_view();
}

std::optional<int32_t> BpeTokenizer::idOf(std::string_view piece) const {
  uint32_t begin = 0, end = tables->ids()->size();
  while (begin < end) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (textAt(middle) < piece)
      begin = middle + 1;
    else
      end = middle;
  }
  if (begin == tables->ids()->size() || textAt(begin) != piece)
    return std::nullopt;
  return tables->ids()->Get(begin);
}

std::optional<int32_t> BpeTokenizer::specialIdOf(std::string_view piece) const {
  const std::optional<int32_t> id = idOf(piece);
  return id && isControl(*id) ? id : std::nullopt;
}

std::optional<int32_t> BpeTokenizer::unkId() const {
  return tables->unknown() < 0 ? std::nullopt : std::optional<int32_t>(tables->unknown());
}

std::optional<int32_t> BpeTokenizer::modelIdOf(std::string_view piece) const {
  const std::optional<int32_t> id = idOf(piece);
  return id && inModel[*id] ? id : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Text to ids
//===----------------------------------------------------------------------===//

std::optional<int32_t> BpeTokenizer::characterId(std::string_view character) const {
  const char32_t wanted = firstCharacter(character);
  const auto found = std::lower_bound(
      characters.begin(), characters.end(), wanted,
      [](const Character &entry, char32_t value) { return entry.character < value; });
  if (found == characters.end() || found->character != wanted)
    return std::nullopt;
  return found->id;
}

/// False if one of the bytes has no piece.
bool BpeTokenizer::appendBytes(std::string_view character, std::vector<int32_t> &ids) const {
  const auto idOfByte = [&](char byte) { return bytes[static_cast<uint8_t>(byte)]; };
  if (std::any_of(character.begin(), character.end(), [&](char c) { return idOfByte(c) < 0; }))
    return false;
  std::transform(character.begin(), character.end(), std::back_inserter(ids), idOfByte);
  return true;
}

/// Where the merges begin. An unknown character's id waits until one follows that has a piece of
/// its own: bytes overtake it, as they do in `tokenizers`.
std::vector<int32_t> BpeTokenizer::characterIds(std::string_view word) const {
  std::vector<int32_t> ids;
  bool unknown = false;
  const auto flush = [&] {
    if (unknown)
      ids.push_back(tables->unknown());
    unknown = false;
  };
  for (size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, characterBytes(word[at]));
    at += character.size();
    if (const std::optional<int32_t> id = characterId(character)) {
      flush();
      ids.push_back(*id);
    } else if (!(tables->byte_fallback() && appendBytes(character, ids)) &&
               tables->unknown() >= 0) {
      if (!tables->fuse_unknown())
        flush();
      unknown = true;
    }
  }
  flush();
  return ids;
}

void BpeTokenizer::appendWord(std::string_view word, std::vector<int32_t> &ids) const {
  if (tables->ignore_merges())
    if (const std::optional<int32_t> id = modelIdOf(word))
      return ids.push_back(*id);
  std::vector<int32_t> pieces = characterIds(word);
  merges.apply(pieces);
  ids.insert(ids.end(), pieces.begin(), pieces.end());
}

/// `segment` has no added tokens but those of the normalized text.
void BpeTokenizer::appendSegment(const Segment &segment, bool special,
                                 std::vector<int32_t> &ids) const {
  const std::string text = normalize(*tables, segment.text);
  for (const AddedPart &part : normalizedTokens.split(text, special)) {
    if (part.token) {
      ids.push_back(int32_t(part.token->id()));
      continue;
    }
    Segment rest{text.substr(part.begin, part.end - part.begin),
                 segment.atOrigin && part.begin == 0};
    for (const Segment &word : splitIntoWords(*tables, std::move(rest)))
      appendWord(word.text, ids);
  }
}

absl::StatusOr<std::vector<int32_t>> BpeTokenizer::encode(std::string_view text,
                                                          ControlPieces control) const {
  if (text.size() > kMaxTextBytes)
    return absl::InvalidArgumentError(
        absl::StrCat("text has ", text.size(), " bytes, expected at most ", kMaxTextBytes));
  const bool special = control != ControlPieces::asText;
  const std::string clean = wellFormed(text);
  std::vector<int32_t> ids;
  for (const AddedPart &part : rawTokens.split(clean, special)) {
    if (part.token) {
      ids.push_back(int32_t(part.token->id()));
      continue;
    }
    appendSegment({clean.substr(part.begin, part.end - part.begin), part.begin == 0}, special, ids);
  }
  return ids;
}

} // namespace strata
