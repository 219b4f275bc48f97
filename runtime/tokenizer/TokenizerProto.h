//===- TokenizerProto.h - the fields of a tokenizer.model -------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/TokenizerModel.h"

#include "absl/status/status.h"

#include <cstdint>
#include <string_view>

namespace strata {

/// TrainerSpec.ModelType.
enum TokenizerModelType : int32_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

/// What decides how SentencePiece behaves, besides what TokenizerModel keeps. The initial values
/// are the defaults of sentencepiece_model.proto. Points into the serialized model.
struct TokenizerSpecs {
  int32_t modelType = kUnigram;
  bool spacesAreSuffixes = false, escapesSpaces = true;
  int32_t unkId = 0, bosId = 1, eosId = 2, padId = -1;
  std::string_view bosPiece, eosPiece, padPiece; // empty: the default name
  std::string_view charsmap, denormalizerCharsmap;
};

/// Reads a serialized ModelProto; checks sizes and single values, not how they fit together. Does
/// not set the special ids of `model`.
absl::Status readTokenizerProto(std::string_view serialized, TokenizerSpecs &specs,
                                TokenizerModel &model);

} // namespace strata
