//===- BpeTokenizer.cpp - the tokenizer of a tokenizer.json ---------------===//
#include "runtime/tokenizer/BpeTokenizer.h"

#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/BpeVerify.h"

#include "absl/strings/str_format.h"

#include <algorithm>

namespace strata {

static constexpr size_t kLongWordBytes = 64 << 10;
static constexpr size_t kMaxWordBytes = 4 << 20;

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

std::optional<int32_t> BpeTokenizer::characterId(char32_t wanted) const {
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
    if (const std::optional<int32_t> id = characterId(firstCharacter(character))) {
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

void BpeTokenizer::appendMerged(std::string_view word, std::vector<int32_t> &ids) const {
  std::vector<int32_t> pieces = characterIds(word);
  merges.apply(pieces);
  ids.insert(ids.end(), pieces.begin(), pieces.end());
}

static CharacterPair pairOf(char32_t left, char32_t right) {
  return CharacterPair(left) << 32 | right;
}

/// The characters that merges join, ascending: the last of what stands left and the first of what
/// stands right. Pieces grow by merges only, so that no other characters of pieces ever meet.
std::vector<CharacterPair> BpeTokenizer::joinedCharacters() const {
  std::vector<CharacterPair> joined;
  for (int32_t left = 0; left < vocabularySize(); ++left) {
    const std::string_view before = piece(left);
    const uint32_t end = tables->merge_begins()->Get(left + 1);
    for (uint32_t i = tables->merge_begins()->Get(left); i < end && !before.empty(); ++i)
      if (const std::string_view after = piece(tables->merges()->Get(i)->right()); !after.empty())
        joined.push_back(pairOf(lastCharacter(before), firstCharacter(after)));
  }
  std::sort(joined.begin(), joined.end());
  joined.erase(std::unique(joined.begin(), joined.end()), joined.end());
  return joined;
}

/// Where the first part of a long word ends: behind kLongWordBytes, between two characters with
/// pieces of their own that no merge joins; the word's end if there is none.
size_t BpeTokenizer::findCut(std::string_view word,
                             const std::vector<CharacterPair> &joined) const {
  size_t at = std::min(kLongWordBytes, word.size());
  while (at < word.size() && (uint8_t(word[at]) & 0xC0) == 0x80)
    ++at;
  for (; at < word.size(); at += characterBytes(word[at])) {
    const char32_t left = lastCharacter(word.substr(0, at)),
                   right = firstCharacter(word.substr(at));
    if (!std::binary_search(joined.begin(), joined.end(), pairOf(left, right)) &&
        characterId(left) && characterId(right))
      break;
  }
  return at;
}

absl::Status BpeTokenizer::appendWord(std::string_view word, Encoding &encoding) const {
  if (tables->ignore_merges())
    if (const std::optional<int32_t> id = modelIdOf(word)) {
      encoding.ids.push_back(*id);
      return absl::OkStatus();
    }
  while (word.size() > kLongWordBytes) {
    if (encoding.joined.empty())
      encoding.joined = joinedCharacters();
    const size_t cut = findCut(word, encoding.joined);
    if (cut > kMaxWordBytes)
      return absl::InvalidArgumentError(
          absl::StrCat("text has a word of ", cut, " bytes, expected at most ", kMaxWordBytes));
    appendMerged(word.substr(0, cut), encoding.ids);
    word.remove_prefix(cut);
  }
  appendMerged(word, encoding.ids);
  return absl::OkStatus();
}

/// `segment` has no added tokens but those of the normalized text.
absl::Status BpeTokenizer::appendSegment(const Segment &segment, Encoding &encoding) const {
  STRATA_ASSIGN(const std::string text, normalize(*tables, std::string(segment.text)));
  for (const AddedPart &part : normalizedTokens.split(text, encoding.special)) {
    if (part.token) {
      encoding.ids.push_back(int32_t(part.token->id()));
      continue;
    }
    const Segment rest{std::string_view(text).substr(part.begin, part.end - part.begin),
                       segment.atOrigin && part.begin == 0};
    STRATA_TRY(splitIntoWords(*tables, rest,
                              [&](std::string_view word) { return appendWord(word, encoding); }));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> BpeTokenizer::encode(std::string_view text,
                                                          ControlPieces control) const {
  if (text.size() > kMaxTextBytes)
    return absl::InvalidArgumentError(
        absl::StrCat("text has ", text.size(), " bytes, expected at most ", kMaxTextBytes));
  const std::string clean = wellFormed(text);
  Encoding encoding{control != ControlPieces::asText, {}, {}};
  for (const AddedPart &part : rawTokens.split(clean, encoding.special)) {
    if (part.token)
      encoding.ids.push_back(int32_t(part.token->id()));
    else
      STRATA_TRY(appendSegment(
          {std::string_view(clean).substr(part.begin, part.end - part.begin), part.begin == 0},
          encoding));
  }
  return std::move(encoding.ids);
}

} // namespace strata
