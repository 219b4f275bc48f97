//===- TokenizerOf.h - the tokenizer of a package or a model ----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/Package.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerFile.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace strata {

/// A tokenizer and what its bytes lie in.
struct LoadedTokenizer {
  std::optional<Package> package;
  std::optional<TokenizerSection> section;
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<int32_t> bos; // where a text begins with it
};

/// Of a package, or of a model folder or file as strata-compile would put it into one.
absl::StatusOr<LoadedTokenizer> loadTokenizerOf(const std::string &path);

} // namespace strata
