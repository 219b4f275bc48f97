//===- GgufVocabulary.h - the tokenizer of a GGUF file ----------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/GgufFile.h"

#include "absl/status/statusor.h"

#include <string>

namespace strata {

/// Whether the file has a tokenizer of any kind.
absl::StatusOr<bool> hasVocabulary(const GgufFile &file);

/// The SentencePiece BPE model, a serialized ModelProto, that the keys tokenizer.ggml.* of a file
/// were taken from. The pieces, their scores and types are all there; the
/// normalizer is the identity, as files that need another do not say so. Vocabularies of other
/// models than "llama" are UNIMPLEMENTED. Not validated: parseTokenizerModel does that.
absl::StatusOr<std::string> sentencePieceModel(const GgufFile &file);

} // namespace strata
