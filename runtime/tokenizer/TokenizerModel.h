//===- TokenizerModel.h - what a tokenizer.model says -----------*- C++ -*-===//
//
// SentencePiece 0.1.97 reads out of bounds or aborts on models that are not well formed. So the
// file (a serialized ModelProto of sentencepiece_model.proto) is read here first, and refused
// unless everything that SentencePiece believes without looking has been checked.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// The values are those of ModelProto.SentencePiece.Type.
enum class PieceType : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  userDefined = 4,
  unused = 5,
  byte = 6
};

/// One entry of the vocabulary; its id is its index.
struct Piece {
  std::string text; // 1 to 4096 bytes, usually UTF-8
  float score = 0;  // finite
  PieceType type = PieceType::normal;
};

/// The byte that a byte piece ("<0x0A>") stands for; empty for other pieces.
std::optional<uint8_t> byteOf(const Piece &piece);

/// The parts of a SentencePiece model that Strata itself uses.
struct TokenizerModel {
  std::vector<Piece> pieces; // all different
  int32_t unkId = 0;
  std::optional<int32_t> bosId, eosId, padId;
  std::string unkSurface = " \xE2\x81\x87 "; // what the unknown piece decodes to
  bool addDummyPrefix = true;                // encoding puts a space before the text
  bool removeExtraWhitespaces = true;        // encoding joins spaces
  bool byteFallback = false;                 // characters without a piece become byte pieces
  bool separatesWords = false;               // the ids of "a b" are those of "a" and of " b": BPE,
                                             // and neither a piece nor a rule reaches over a space
};

/// Reads and checks a serialized model; errors call it `file`. Models that are neither BPE nor
/// unigram are UNIMPLEMENTED.
absl::StatusOr<TokenizerModel> parseTokenizerModel(std::string_view serialized,
                                                   const std::string &file);

/// The largest file accepted, bytes; for the caller that reads it.
inline constexpr uint64_t kMaxTokenizerBytes = uint64_t(64) << 20;

} // namespace strata
