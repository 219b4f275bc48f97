//===- JsonSchema.h - JSON schemas as grammars ------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/Grammar.h"

#include <string>
#include <string_view>

namespace strata::grammar {

struct SchemaOptions {
  /// Objects with `properties` have no others where the schema does not say `additionalProperties`.
  /// JSON Schema allows them there; models then go on and on.
  bool closesObjects = true;
};

/// A grammar of values that a schema (draft 2020-12) is true of, written as JsonRules has it:
/// members in the order of `properties`, then those that only `required` names, then others. What a
/// text of the grammar means always fits the schema; docs/serving.md lists the keywords. `text` is
/// the schema. INVALID_ARGUMENT names keywords and values that are not supported, and their place.
absl::StatusOr<Grammar> parseJsonSchema(std::string_view text, const SchemaOptions &options = {});

} // namespace strata::grammar
