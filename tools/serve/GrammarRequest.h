//===- GrammarRequest.h - what a text is asked to be ------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/base/Json.h"
#include "runtime/grammar/Grammars.h"

#include <memory>
#include <string_view>

namespace strata::serve {

/// The grammar that a body asks for, null if none: `response_format` as OpenAI and llama-server
/// have it, vLLM's `structured_outputs` and its older `guided_…`, llama-server's `grammar` and
/// `json_schema`. INVALID_ARGUMENT names the field and what is wrong, or a second grammar.
absl::StatusOr<std::shared_ptr<grammar::CompiledGrammar>> readGrammar(grammar::Grammars &grammars,
                                                                      const JsonObject &body);

/// Whether a body may ask for one, which can take long to compile.
bool mayAskForGrammar(std::string_view body);

} // namespace strata::serve
