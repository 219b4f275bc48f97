//===- Prompt.h - how a text begins -----------------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/Package.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// The tokens of a text that begins: BOS before it, if the model wants one or there is nothing
/// else. INVALID_ARGUMENT if there is nothing at all.
absl::StatusOr<std::vector<int32_t>>
encodePrompt(const Tokenizer &tokenizer, const package::Model &model, const std::string &text);

} // namespace strata
