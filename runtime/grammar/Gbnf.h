//===- Gbnf.h - grammars as llama.cpp writes them ---------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/Grammar.h"

#include <string_view>

namespace strata::grammar {

/// Reads GBNF as llama.cpp documents it (grammars/README.md): rules `name ::= …`, of which `root`
/// is what the text must be; "texts", [classes], `.`, groups, `|`, `*`, `+`, `?`, `{m,n}`,
/// comments. Tokens (`<think>`, `<[1000]>`) are refused. INVALID_ARGUMENT tells line and column.
absl::StatusOr<Grammar> parseGbnf(std::string_view text);

} // namespace strata::grammar
