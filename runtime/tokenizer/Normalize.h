//===- Normalize.h - Unicode's normal forms, small letters ------*- C++ -*-===//
//
// As the library `tokenizers` has them, for well-formed UTF-8.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"

#include <string>
#include <string_view>

namespace strata {

enum class NormalForm { nfc, nfkc };

/// Characters that became part of Unicode after the version which `tokenizers` normalizes by stay
/// as they are. INVALID_ARGUMENT if that is much more than `most` bytes; RESOURCE_EXHAUSTED if
/// there is no memory.
absl::StatusOr<std::string> normalForm(std::string_view text, NormalForm form, size_t most);

std::string smallLetters(std::string_view text);

} // namespace strata
