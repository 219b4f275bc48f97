//===- TokenIds.h - token ids as text ---------------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// Numbers of tokens, separated by white space, commas or brackets around all, as they are printed
/// by many tools. INVALID_ARGUMENT names the first word that is no id of the tokenizer; errors call
/// the text `place`.
absl::StatusOr<std::vector<int32_t>> parseIds(const std::string &text, const Tokenizer &tokenizer,
                                              const std::string &place);

} // namespace strata
