//===- TokenizerProto.cpp - the fields of a tokenizer.model ---------------===//
//
// Field numbers are those of sentencepiece_model.proto. Like the protobuf library, the last of
// several values counts, messages that stand several times are merged, and fields that are not
// known are skipped, so that what is checked here is what SentencePiece will see.
//
//===----------------------------------------------------------------------===//
#include "runtime/tokenizer/TokenizerProto.h"

#include "runtime/base/Status.h"
#include "runtime/tokenizer/ProtobufReader.h"

#include <cmath>

namespace strata {

static constexpr size_t kMaxPieces = size_t(1) << 20;
static constexpr size_t kMaxPieceBytes = 4096; // SentencePiece's trie builder recurses over them
static constexpr size_t kMaxSelfTestBytes = 1 << 20; // SentencePiece encodes them all when it loads

static absl::Status invalid(absl::string_view message) {
  return absl::InvalidArgumentError(message);
}

/// Puts a value that could be read where it belongs.
template <typename T, typename Target>
static absl::Status store(absl::StatusOr<T> value, Target &target) {
  if (value.ok())
    target = *value;
  return value.status();
}

static absl::StatusOr<PieceType> readPieceType(const ProtobufField &field, size_t id) {
  STRATA_ASSIGN(const int32_t type, field.asInt32());
  if (type < 1 || type > 6)
    return invalid(absl::StrCat("piece ", id, ": type is ", type, ", expected 1 to 6"));
  return static_cast<PieceType>(type);
}

static absl::StatusOr<Piece> readPiece(std::string_view message, size_t id) {
  Piece piece;
  for (ProtobufReader reader(message, "SentencePiece"); !reader.atEnd();) {
    STRATA_ASSIGN(const ProtobufField field, reader.next());
    if (field.number == 1)
      STRATA_TRY(store(field.asBytes(), piece.text));
    else if (field.number == 2)
      STRATA_TRY(store(field.asFloat(), piece.score));
    else if (field.number == 3)
      STRATA_TRY(store(readPieceType(field, id), piece.type));
  }
  if (piece.text.empty() || piece.text.size() > kMaxPieceBytes)
    return invalid(absl::StrCat("piece ", id, ": has ", piece.text.size(), " bytes, expected 1 to ",
                                kMaxPieceBytes));
  if (!std::isfinite(piece.score))
    return invalid(absl::StrCat("piece ", id, ": score is ", piece.score, ", expected a number"));
  return piece;
}

static absl::Status readTrainerField(const ProtobufField &field, TokenizerSpecs &specs,
                                     TokenizerModel &model) {
  switch (field.number) {
  case 3:
    return store(field.asInt32(), specs.modelType);
  case 24:
    return store(field.asBool(), specs.spacesAreSuffixes);
  case 35:
    return store(field.asBool(), model.byteFallback);
  case 40:
    return store(field.asInt32(), specs.unkId);
  case 41:
    return store(field.asInt32(), specs.bosId);
  case 42:
    return store(field.asInt32(), specs.eosId);
  case 43:
    return store(field.asInt32(), specs.padId);
  case 44:
    return store(field.asBytes(), model.unkSurface);
  case 46:
    return store(field.asBytes(), specs.bosPiece);
  case 47:
    return store(field.asBytes(), specs.eosPiece);
  case 48:
    return store(field.asBytes(), specs.padPiece);
  default:
    return absl::OkStatus();
  }
}

static absl::Status readTrainer(std::string_view message, TokenizerSpecs &specs,
                                TokenizerModel &model) {
  for (ProtobufReader reader(message, "TrainerSpec"); !reader.atEnd();) {
    STRATA_ASSIGN(const ProtobufField field, reader.next());
    STRATA_TRY(readTrainerField(field, specs, model));
  }
  return absl::OkStatus();
}

static absl::Status readNormalizer(std::string_view message, TokenizerSpecs &specs,
                                   TokenizerModel &model) {
  for (ProtobufReader reader(message, "NormalizerSpec"); !reader.atEnd();) {
    STRATA_ASSIGN(const ProtobufField field, reader.next());
    if (field.number == 2)
      STRATA_TRY(store(field.asBytes(), specs.charsmap));
    else if (field.number == 3)
      STRATA_TRY(store(field.asBool(), model.addDummyPrefix));
    else if (field.number == 4)
      STRATA_TRY(store(field.asBool(), model.removeExtraWhitespaces));
    else if (field.number == 5)
      STRATA_TRY(store(field.asBool(), specs.escapesSpaces));
  }
  return absl::OkStatus();
}

static absl::Status readDenormalizer(std::string_view message, TokenizerSpecs &specs) {
  TokenizerModel ignored;
  TokenizerSpecs denormalizer;
  STRATA_TRY(readNormalizer(message, denormalizer, ignored));
  if (!denormalizer.charsmap.empty())
    specs.denormalizerCharsmap = denormalizer.charsmap;
  return absl::OkStatus();
}

absl::Status readTokenizerProto(std::string_view serialized, TokenizerSpecs &specs,
                                TokenizerModel &model) {
  size_t selfTestBytes = 0;
  for (ProtobufReader reader(serialized, "ModelProto"); !reader.atEnd();) {
    STRATA_ASSIGN(const ProtobufField field, reader.next());
    if (field.number < 1 || field.number > 5)
      continue;
    STRATA_ASSIGN(const std::string_view contents, field.asBytes());
    if (field.number == 1) {
      STRATA_ASSIGN(Piece piece, readPiece(contents, model.pieces.size()));
      if (model.pieces.size() == kMaxPieces)
        return invalid(absl::StrCat("more than ", kMaxPieces, " pieces"));
      model.pieces.push_back(std::move(piece));
    } else if (field.number == 2) {
      STRATA_TRY(readTrainer(contents, specs, model));
    } else if (field.number == 3) {
      STRATA_TRY(readNormalizer(contents, specs, model));
    } else if (field.number == 5) {
      STRATA_TRY(readDenormalizer(contents, specs));
    } else if ((selfTestBytes += contents.size()) > kMaxSelfTestBytes) {
      return invalid(absl::StrCat("self_test_data has more than ", kMaxSelfTestBytes, " bytes"));
    }
  }
  return absl::OkStatus();
}

} // namespace strata
