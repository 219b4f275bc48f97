//===- TokenizerFile.h - the tokenizer of a model folder --------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata {

class Checkpoint;

/// A tokenizer as a section of a package. Whoever runs the package cannot mend it: it is valid.
struct TokenizerSection {
  std::string name;                 // "tokenizer": a SentencePiece model; "tokenizer.bpe": Bpe.fbs
  std::string bytes;                // its contents
  std::string file;                 // where it was read
  int64_t pieces = 0;               // ids are less
  int32_t bos = -1;                 // its own BOS; -1: none
  bool hasPostProcessor = false;    // of a tokenizer.json: it says what is put around texts
  std::vector<int32_t> prefix = {}; // ids that it puts before every text
  std::vector<std::string> notes = {}; // for people, one line each
};

/// The tokenizer among the own files of `checkpoint`, which may be null; else, as transformers has
/// it, the tokenizer.json in `folder`; else the tokenizer.model with the tokens that files beside
/// it add. The model is taken, too, where the .json has rules that are not supported. Empty if
/// there is none. Errors name the file.
absl::StatusOr<std::optional<TokenizerSection>> readTokenizer(const std::string &folder,
                                                              const Checkpoint *checkpoint);

} // namespace strata
