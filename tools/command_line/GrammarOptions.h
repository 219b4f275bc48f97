//===- GrammarOptions.h - what a text is to be, by options ------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/Grammars.h"
#include "tools/command_line/CommandLine.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata {

/// --grammar, --json, --json-schema and --regex, as they were given.
struct GrammarOptions {
  std::optional<std::string> grammar, schema, regex;
  bool json = false;

  /// INVALID_ARGUMENT if there are two.
  absl::Status validate() const;
};
std::vector<Option> tableOf(GrammarOptions &options);

/// What all texts of a tokenizer are held to.
class TextGrammar {
public:
  /// Null if no option asks for one. The tokenizer outlives it. An error names the option or the
  /// file, the place in it, and what is wrong there.
  static absl::StatusOr<std::unique_ptr<TextGrammar>> load(const GrammarOptions &options,
                                                           const Tokenizer &tokenizer);
  /// For a text that begins.
  absl::StatusOr<grammar::Matcher> begin();

private:
  TextGrammar(const Tokenizer &tokenizer, std::string place, grammar::GrammarSource source)
      : grammars(tokenizer), place(std::move(place)), source(std::move(source)) {}

  grammar::Grammars grammars;
  const std::string place;
  const grammar::GrammarSource source;
};

} // namespace strata
