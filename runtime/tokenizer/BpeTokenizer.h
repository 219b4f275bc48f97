//===- BpeTokenizer.h - the tokenizer of a tokenizer.json -------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/AddedTokens.h"
#include "runtime/tokenizer/BpeMerges.h"
#include "runtime/tokenizer/BpeRules.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <array>
#include <cstddef>

namespace strata {

/// Two neighbours: the left one's code point in the upper half.
using CharacterPair = uint64_t;

/// A byte-pair encoding as Hugging Face's `tokenizers` has it, on compiled tables (Bpe.fbs), which
/// are read in place. Gives the ids and texts that the package gives, id by id and byte by byte.
class BpeTokenizer : public Tokenizer {
public:
  /// Verifies `tables`, which must outlive the tokenizer and start at a multiple of 8; errors call
  /// them `name`.
  static absl::StatusOr<BpeTokenizer> load(std::span<const std::byte> tables,
                                           const std::string &name);

  int32_t vocabularySize() const override { return int32_t(tables->kinds()->size()); }
  /// Added tokens that are special.
  bool isControl(int32_t id) const override;
  std::string_view piece(int32_t id) const override;
  std::string pieceBytes(int32_t id) const override;
  std::optional<int32_t> idOf(std::string_view piece) const override;

  /// The special tokens "<s>", "</s>" and "<pad>".
  std::optional<int32_t> bosId() const override { return specialIdOf("<s>"); }
  std::optional<int32_t> eosId() const override { return specialIdOf("</s>"); }
  std::optional<int32_t> padId() const override { return specialIdOf("<pad>"); }
  std::optional<int32_t> unkId() const override;

  /// The merges of a word of more than 64 KiB are done apart where none of them joins the
  /// characters on both sides, which gives the same ids. What has no such place in 4 MiB is
  /// INVALID_ARGUMENT.
  absl::StatusOr<std::vector<int32_t>>
  encode(std::string_view text, ControlPieces control = ControlPieces::usual) const override;

private:
  /// Of one text.
  struct Encoding {
    bool special; // special tokens become their ids
    std::vector<int32_t> ids;
    std::vector<CharacterPair> joined; // as joinedCharacters() gives them; empty until needed
  };

  explicit BpeTokenizer(const bpe::Tables &tables);

  void indexCharacters();
  std::optional<int32_t> modelIdOf(std::string_view piece) const;
  std::optional<int32_t> specialIdOf(std::string_view piece) const;
  std::string_view textAt(size_t index) const;
  absl::Status appendSegment(const Segment &segment, Encoding &encoding) const;
  absl::Status appendWord(std::string_view word, Encoding &encoding) const;
  void appendMerged(std::string_view word, std::vector<int32_t> &ids) const;
  std::vector<CharacterPair> joinedCharacters() const;
  size_t findCut(std::string_view word, const std::vector<CharacterPair> &joined) const;
  std::vector<int32_t> characterIds(std::string_view word) const;
  std::optional<int32_t> characterId(char32_t wanted) const;
  bool appendBytes(std::string_view character, std::vector<int32_t> &ids) const;

  std::string pieceText(int32_t id, bool first) const;
  std::optional<char> byteOf(std::string_view text) const;
  std::string strip(std::string text, DecodingState &state) const;
  std::string push(int32_t id, DecodingState &state) const override;
  std::string decodeValid(std::span<const int32_t> ids) const override;

  struct Character {
    char32_t character;
    int32_t id;
  };

  const bpe::Tables *tables;
  AddedTokens rawTokens, normalizedTokens;
  BpeMerges merges;
  std::vector<uint32_t> indices;     // of each id: its text's; unused for absent ones
  std::vector<bool> inModel;         // by id: known to the merges
  std::vector<Character> characters; // pieces of one character that are, ascending
  std::array<int32_t, 256> bytes;    // of "<0x00>" to "<0xFF>"; -1: there is none
};

} // namespace strata
