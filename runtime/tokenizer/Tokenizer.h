//===- Tokenizer.h - text to token ids and back -----------------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/TextStream.h"

#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// What control pieces such as "</s>" mean where they stand in a text.
enum class ControlPieces {
  usual,  // as the library of the tokenizer has it: SentencePiece: text; tokenizers: ids
  asText, // they are characters like others
  asIds   // they become their ids; the stretches between them are encoded as texts of their own
};

/// What decoding one piece after the other keeps between two of them.
struct DecodingState {
  TextStream text;        // bytes that are no whole character yet
  bool atStart = true;    // of the text: nothing has been written
  bool hasPieces = false; // one has been decoded
  uint32_t stripped = 0;  // characters taken from the beginning of the text
};

/// The longest text that is encoded.
inline constexpr size_t kMaxTextBytes = size_t(64) << 20;

/// Ids are 0 .. vocabularySize() - 1; functions that take one are harmless for others. All const
/// functions may be called from several threads.
class Tokenizer {
public:
  virtual ~Tokenizer() = default;

  virtual int32_t vocabularySize() const = 0;
  bool isValid(int32_t id) const { return id >= 0 && id < vocabularySize(); }
  /// Whether `id` is a piece without text, such as "</s>".
  virtual bool isControl(int32_t id) const = 0;
  /// The piece as the model spells it ("▁the", "<0x0A>", "</s>"); empty for ids that do not exist.
  virtual std::string_view piece(int32_t id) const = 0;
  /// What `id` adds to a text that has begun: a byte piece its byte, a control piece nothing. Not
  /// always whole UTF-8 characters.
  virtual std::string pieceBytes(int32_t id) const = 0;
  /// The id of exactly this piece, of any kind.
  virtual std::optional<int32_t> idOf(std::string_view piece) const = 0;

  /// The special ids, where the model has them.
  virtual std::optional<int32_t> bosId() const = 0;
  virtual std::optional<int32_t> eosId() const = 0;
  virtual std::optional<int32_t> padId() const = 0;
  virtual std::optional<int32_t> unkId() const = 0;

  /// The ids of `text`, without BOS or EOS. Bytes that are no UTF-8 are encoded as U+FFFD, each of
  /// them. Long texts are encoded in parts, cut where the ids are those of the whole text; texts of
  /// more than kMaxTextBytes, and stretches without such a place, are INVALID_ARGUMENT.
  virtual absl::StatusOr<std::vector<int32_t>>
  encode(std::string_view text, ControlPieces control = ControlPieces::usual) const = 0;

  /// The text of `ids` from its beginning, control pieces left out: what the tokenizer's library
  /// decodes. Ids must be valid; INVALID_ARGUMENT names the first that is not.
  absl::StatusOr<std::string> decode(std::span<const int32_t> ids) const;

protected:
  friend class Detokenizer;
  /// What `id`, which is valid, adds to a text: whole UTF-8 characters.
  virtual std::string push(int32_t id, DecodingState &state) const = 0;
  /// `decode` for ids that are known to be valid.
  virtual std::string decodeValid(std::span<const int32_t> ids) const;
};

/// The tokenizer whose bytes are in the `section` of a package, "tokenizer" or "tokenizer.bpe".
/// They must outlive it and start at a multiple of 8. Errors call them `file`.
absl::StatusOr<std::unique_ptr<Tokenizer>>
loadTokenizer(std::string_view section, std::span<const std::byte> bytes, const std::string &file);

/// Whether every id means the same to `found`: INVALID_ARGUMENT names the first that does not, its
/// piece and what was expected.
absl::Status checkSamePieces(const Tokenizer &expected, const Tokenizer &found);

/// Turns ids into text one by one; the strings it returns are whole UTF-8 characters. Uses the
/// tokenizer, which must outlive it.
///
/// Together they are what decode() gives, but for bytes that are no UTF-8 in pieces of a
/// tokenizer.json, such as "<0x84>" and "<0x22>" one after the other. `tokenizers` judges a whole
/// run of such pieces, and if one byte is wrong, each becomes U+FFFD: two of them. A stream cannot
/// wait for a run to end and writes what is a character by itself: U+FFFD and '"'.
class Detokenizer {
public:
  enum class Start {
    ofText,      // the space that encoding puts before a text is taken away again
    continuation // the ids go on where another text ended, e.g. a prompt
  };
  Detokenizer(const Tokenizer &tokenizer, Start start) : tokenizer(&tokenizer) {
    state.atStart = start == Start::ofText;
  }

  /// The characters complete after `id`; often empty in the middle of a byte-fallback sequence.
  std::string push(int32_t id) {
    return tokenizer->isValid(id) ? tokenizer->push(id, state) : std::string();
  }
  /// What is left at the end.
  std::string flush() { return state.text.flush(); }

private:
  const Tokenizer *tokenizer;
  DecodingState state;
};

} // namespace strata
