//===- Regex.h - regular expressions ----------------------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/grammar/Grammar.h"

#include <string_view>

namespace strata::grammar {

/// How a character that is one of a set is written.
using Spelling = absl::FunctionRef<Expression(Grammar &grammar, const CharacterSet &set)>;

/// What the regular expression matches, in the syntax that ECMA-262 and Python have in common:
/// characters, `.`, classes, `\d \w \s` (of ASCII but for \s) and their complements, groups, `|`,
/// repetitions, greedy or not. `^` and `$` may only begin and end an alternative of the whole
/// expression; `isSearch`: without them anything may stand there. What else there is (\b, \1,
/// (?=…), \p{…}, flags) is refused by name. INVALID_ARGUMENT tells line and column.
absl::StatusOr<Expression> addRegex(Grammar &grammar, std::string_view regex, bool isSearch,
                                    Spelling spelling);

/// A grammar of the texts that the whole expression matches.
absl::StatusOr<Grammar> parseRegex(std::string_view regex);

} // namespace strata::grammar
