//===- GgufVocabulary.cpp - the tokenizer of a GGUF file ------------------===//
#include "runtime/checkpoint/GgufVocabulary.h"

#include "runtime/base/ProtobufWriter.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

namespace strata {
namespace {

constexpr int kByte = 6; // ModelProto.SentencePiece.Type, and GGUF's token_type

using protobuf::number, protobuf::real, protobuf::text;

//===----------------------------------------------------------------------===//
// What the file says
//===----------------------------------------------------------------------===//

struct Vocabulary {
  std::vector<std::string_view> pieces;
  std::vector<float> scores;
  std::vector<int32_t> types;
};

absl::Status checkLength(const GgufFile &file, std::string_view key, size_t found, size_t pieces) {
  return found == pieces ? absl::OkStatus()
                         : file.error(key, absl::StrCat("expected ", pieces, " elements, one for ",
                                                        "each token, found ", found));
}

absl::StatusOr<Vocabulary> readVocabulary(const GgufFile &file) {
  constexpr std::string_view kScores = "tokenizer.ggml.scores",
                             kTypes = "tokenizer.ggml.token_type";
  Vocabulary vocabulary;
  STRATA_ASSIGN(vocabulary.pieces, file.strings("tokenizer.ggml.tokens"));
  STRATA_ASSIGN(vocabulary.scores, file.floats(kScores));
  STRATA_ASSIGN(vocabulary.types, file.integers(kTypes));
  STRATA_TRY(checkLength(file, kScores, vocabulary.scores.size(), vocabulary.pieces.size()));
  STRATA_TRY(checkLength(file, kTypes, vocabulary.types.size(), vocabulary.pieces.size()));
  return vocabulary;
}

/// The special id under a key and its piece, as fields of a TrainerSpec; an id that is absent is
/// -1.
absl::Status addSpecial(const GgufFile &file, std::string_view key, int idField, int pieceField,
                        const Vocabulary &vocabulary, std::string &trainer) {
  STRATA_ASSIGN(const std::optional<int64_t> id, file.integer(key));
  if (!id) {
    trainer += number(idField, -1);
    return absl::OkStatus();
  }
  if (*id < 0 || *id >= int64_t(vocabulary.pieces.size()))
    return file.error(
        key, absl::StrCat("expected 0 to ", vocabulary.pieces.size() - 1, ", found ", *id));
  trainer += number(idField, *id) + text(pieceField, vocabulary.pieces[size_t(*id)]);
  return absl::OkStatus();
}

absl::StatusOr<std::string> trainerSpec(const GgufFile &file, const Vocabulary &vocabulary) {
  bool hasBytes = false;
  for (int32_t type : vocabulary.types)
    hasBytes |= type == kByte;
  std::string trainer = number(3, 2) + number(35, hasBytes); // model_type BPE, byte_fallback
  STRATA_TRY(addSpecial(file, "tokenizer.ggml.bos_token_id", 41, 46, vocabulary, trainer));
  STRATA_TRY(addSpecial(file, "tokenizer.ggml.eos_token_id", 42, 47, vocabulary, trainer));
  STRATA_TRY(addSpecial(file, "tokenizer.ggml.padding_token_id", 43, 48, vocabulary, trainer));
  return trainer;
}

absl::StatusOr<std::string> normalizerSpec(const GgufFile &file) {
  STRATA_ASSIGN(const auto prefix, file.boolean("tokenizer.ggml.add_space_prefix"));
  STRATA_ASSIGN(const auto joins, file.boolean("tokenizer.ggml.remove_extra_whitespaces"));
  return text(1, "identity") + number(3, prefix.value_or(true)) + number(4, joins.value_or(false));
}

} // namespace

absl::StatusOr<bool> hasVocabulary(const GgufFile &file) {
  STRATA_ASSIGN(const auto model, file.string("tokenizer.ggml.model"));
  return model && *model != "none";
}

absl::StatusOr<std::string> sentencePieceModel(const GgufFile &file) {
  STRATA_ASSIGN(const auto model, file.string("tokenizer.ggml.model"));
  if (model != "llama")
    return absl::UnimplementedError(std::string(
        file.error("tokenizer.ggml.model", absl::StrCat(printable(model.value_or("none")),
                                                        " is not supported, expected llama"))
            .message()));
  STRATA_ASSIGN(const Vocabulary vocabulary, readVocabulary(file));
  std::string proto;
  for (size_t i = 0; i < vocabulary.pieces.size(); ++i)
    proto += text(1, text(1, vocabulary.pieces[i]) + real(2, vocabulary.scores[i]) +
                         number(3, vocabulary.types[i]));
  STRATA_ASSIGN(const std::string trainer, trainerSpec(file, vocabulary));
  STRATA_ASSIGN(const std::string normalizer, normalizerSpec(file));
  return proto + text(2, trainer) + text(3, normalizer);
}

} // namespace strata
