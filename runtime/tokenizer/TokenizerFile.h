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
  std::string name;            // "tokenizer": a SentencePiece model; "tokenizer.bpe": Bpe.fbs
  std::string bytes;           // its contents
  std::string file;            // where it was read
  int64_t pieces = 0;          // ids are less
  std::vector<int32_t> prefix; // ids that it puts before every text
};

/// The tokenizer among the own files of `checkpoint`, which may be null; else the tokenizer.model
/// in `folder`; else the tokenizer.json. Empty if there is none. Errors name the file.
absl::StatusOr<std::optional<TokenizerSection>> readTokenizer(const std::string &folder,
                                                              const Checkpoint *checkpoint);

} // namespace strata
