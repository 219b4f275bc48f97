//===- Tokenizer.h - text to token ids and back -----------------*- C++ -*-===//
#pragma once

#include "runtime/TextStream.h"
#include "runtime/TokenizerModel.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

class SentencePiece;

/// What control pieces such as "</s>" mean where they stand in a text.
enum class ControlPieces {
  asText, // they are characters like others
  asIds   // they become their ids; the stretches between them are encoded as texts of their own
};

/// A SentencePiece model (BPE or unigram). Move-only; all const functions may be called from
/// several threads.
class Tokenizer {
public:
  /// Takes the bytes of a tokenizer.model, which need not be kept; errors call it `file`.
  /// The model is validated before SentencePiece sees it (TokenizerModel.h).
  static absl::StatusOr<Tokenizer> load(std::string_view serialized, const std::string &file);

  Tokenizer(Tokenizer &&) noexcept;
  Tokenizer &operator=(Tokenizer &&) noexcept;
  ~Tokenizer();

  /// Ids are 0 .. vocabularySize() - 1.
  int32_t vocabularySize() const { return static_cast<int32_t>(model.pieces.size()); }
  bool isValid(int32_t id) const { return id >= 0 && id < vocabularySize(); }

  /// The special ids, where the model has them.
  std::optional<int32_t> bosId() const { return model.bosId; }
  std::optional<int32_t> eosId() const { return model.eosId; }
  std::optional<int32_t> padId() const { return model.padId; }
  int32_t unkId() const { return model.unkId; }

  /// Whether `id` is a piece without text, such as "</s>". False for ids that do not exist.
  bool isControl(int32_t id) const;
  /// Whether `id` is a user-defined piece, such as "<extra_id_0>". False for ids that do not exist.
  bool isUserDefined(int32_t id) const;
  /// The piece as the model spells it ("▁the", "<0x0A>", "</s>"); empty for ids that do not exist.
  std::string_view piece(int32_t id) const;
  /// The id of exactly this piece, of any kind.
  std::optional<int32_t> idOf(std::string_view piece) const;

  /// The ids of `text`, without BOS or EOS. User-defined pieces become their ids wherever they
  /// stand. Texts of more than 4 MiB are INVALID_ARGUMENT, and of more than 256 KiB if the model
  /// does not fall back to bytes: SentencePiece takes 200 bytes for one, and for characters that it
  /// does not know a time that grows with their square.
  absl::StatusOr<std::vector<int32_t>> encode(std::string_view text,
                                              ControlPieces control = ControlPieces::asText) const;

  /// What the token adds to a text that has begun: "▁" is a space, a byte piece is its byte, a
  /// control piece nothing. Not always whole UTF-8 characters. Empty for ids that do not exist.
  std::string pieceBytes(int32_t id) const;

  /// The text of `ids` from its beginning: what SentencePiece decodes. Ids must be valid;
  /// INVALID_ARGUMENT names the first that is not.
  absl::StatusOr<std::string> decode(std::span<const int32_t> ids) const;

private:
  friend class Detokenizer;
  Tokenizer(TokenizerModel model, std::unique_ptr<SentencePiece> encoder);

  absl::Status appendIds(std::string_view text, std::vector<int32_t> &ids) const;
  std::optional<int32_t> controlPieceAt(std::string_view text) const;

  TokenizerModel model;
  std::unique_ptr<SentencePiece> encoder;
  std::vector<int32_t> controlPieces; // the longest first
};

/// Turns ids into text one by one; the strings it returns are whole UTF-8 characters. Uses the
/// tokenizer, which must outlive it.
class Detokenizer {
public:
  enum class Start {
    ofText,      // the space that encoding puts before a text is taken away again
    continuation // the ids go on where another text ended, e.g. a prompt
  };
  Detokenizer(const Tokenizer &tokenizer, Start start)
      : tokenizer(&tokenizer), atStart(start == Start::ofText) {}

  /// The characters complete after `id`; often empty in the middle of a byte-fallback sequence.
  std::string push(int32_t id);
  /// What is left at the end.
  std::string flush() { return text.flush(); }

private:
  const Tokenizer *tokenizer;
  TextStream text;
  bool atStart;
};

} // namespace strata
