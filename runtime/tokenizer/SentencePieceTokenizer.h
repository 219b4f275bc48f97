//===- SentencePieceTokenizer.h - a tokenizer.model -------------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerModel.h"

#include <memory>

namespace strata {

class SentencePiece;

/// A SentencePiece model (BPE or unigram). Move-only.
class SentencePieceTokenizer : public Tokenizer {
public:
  /// Takes the bytes of a tokenizer.model, which need not be kept; errors call it `file`.
  /// The model is validated before SentencePiece sees it (TokenizerModel.h).
  static absl::StatusOr<SentencePieceTokenizer> load(std::string_view serialized,
                                                     const std::string &file);

  SentencePieceTokenizer(SentencePieceTokenizer &&) noexcept;
  SentencePieceTokenizer &operator=(SentencePieceTokenizer &&) noexcept;
  ~SentencePieceTokenizer() override;

  int32_t vocabularySize() const override { return static_cast<int32_t>(model.pieces.size()); }
  bool isControl(int32_t id) const override;
  std::string_view piece(int32_t id) const override;
  std::optional<int32_t> idOf(std::string_view piece) const override;

  std::optional<int32_t> bosId() const override { return model.bosId; }
  std::optional<int32_t> eosId() const override { return model.eosId; }
  std::optional<int32_t> padId() const override { return model.padId; }
  std::optional<int32_t> unkId() const override { return model.unkId; }
  /// Whether `id` is a user-defined piece, such as "<extra_id_0>".
  bool isUserDefined(int32_t id) const;

  /// User-defined pieces become their ids wherever they stand. Where the model separates words, a
  /// text is encoded in parts of about 64 KiB, cut at single spaces between letters or digits of
  /// ASCII. A part of more than 4 MiB is INVALID_ARGUMENT, and of more than 256 KiB if the model
  /// does not fall back to bytes: SentencePiece takes 200 bytes for one, and for characters that it
  /// does not know a time that grows with their square.
  absl::StatusOr<std::vector<int32_t>>
  encode(std::string_view text, ControlPieces control = ControlPieces::usual) const override;

  /// "▁" is a space.
  std::string pieceBytes(int32_t id) const override;

private:
  SentencePieceTokenizer(TokenizerModel model, std::unique_ptr<SentencePiece> encoder);

  std::string push(int32_t id, DecodingState &state) const override;
  absl::Status appendIds(std::string_view text, std::vector<int32_t> &ids) const;
  absl::Status appendPart(std::string_view text, std::vector<int32_t> &ids) const;
  std::optional<int32_t> controlPieceAt(std::string_view text) const;

  TokenizerModel model;
  std::unique_ptr<SentencePiece> encoder;
  std::vector<int32_t> controlPieces; // the longest first
};

} // namespace strata
