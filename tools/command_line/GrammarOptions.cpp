//===- GrammarOptions.cpp - what a text is to be, by options --------------===//

#include "tools/command_line/GrammarOptions.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/base/Status.h"
#include "runtime/grammar/Parser.h"
#include "tools/command_line/Load.h"

namespace strata {
namespace {

using grammar::GrammarSource;
using Kind = GrammarSource::Kind;

/// A source, and what errors call the place where it stands.
struct Placed {
  std::string place;
  GrammarSource source;
};

/// No file is called like one of these.
bool isGrammar(const std::string &text) { return text.find("::=") != std::string::npos; }
bool isSchema(const std::string &text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return text == "true" || text == "false" || (first != std::string::npos && text[first] == '{');
}

absl::StatusOr<Placed> read(const char *option, Kind kind, const std::string &value, bool isText) {
  if (isText)
    return Placed{option, {kind, value}};
  auto text = readText(value, grammar::kMostGrammarBytes);
  if (!text.ok())
    return annotate(text.status(), option);
  return Placed{absl::StrCat(option, ": ", value), {kind, *std::move(text)}};
}

absl::StatusOr<std::optional<Placed>> read(const GrammarOptions &options) {
  if (options.json)
    return Placed{"--json", {Kind::jsonObject}};
  if (options.regex)
    return read("--regex", Kind::regex, *options.regex, true);
  if (options.grammar)
    return read("--grammar", Kind::gbnf, *options.grammar, isGrammar(*options.grammar));
  if (options.schema)
    return read("--json-schema", Kind::jsonSchema, *options.schema, isSchema(*options.schema));
  return std::nullopt;
}

} // namespace

std::vector<Option> tableOf(GrammarOptions &options) {
  return {{"grammar", "FILE", "what is written is of this grammar: a file of GBNF, or its text",
           setText(options.grammar)},
          {"json", "", "what is written is a JSON object", setFlag(options.json)},
          {"json-schema", "FILE", "what is written is JSON of this schema: a file, or its text",
           setText(options.schema)},
          {"regex", "TEXT", "what is written matches this regular expression, all of it",
           setText(options.regex)}};
}

absl::Status GrammarOptions::validate() const {
  std::vector<const char *> given;
  for (const auto &[isGiven, name] : {std::pair(grammar.has_value(), "--grammar"),
                                      {json, "--json"},
                                      {schema.has_value(), "--json-schema"},
                                      {regex.has_value(), "--regex"}})
    if (isGiven)
      given.push_back(name);
  return given.size() <= 1
             ? absl::OkStatus()
             : absl::InvalidArgumentError(absl::StrCat(
                   "expected at most one of --grammar, --json, --json-schema and --regex, found ",
                   absl::StrJoin(given, " and ")));
}

absl::StatusOr<std::unique_ptr<TextGrammar>> TextGrammar::load(const GrammarOptions &options,
                                                               const Tokenizer &tokenizer) {
  STRATA_ASSIGN(auto asked, read(options));
  if (!asked)
    return nullptr;
  std::unique_ptr<TextGrammar> made(
      new TextGrammar(tokenizer, std::move(asked->place), std::move(asked->source)));
  STRATA_TRY(made->begin().status()); // before weights are read
  return made;
}

absl::StatusOr<grammar::Matcher> TextGrammar::begin() {
  auto compiled = grammars.compile(source); // another once the last is worn
  return compiled.ok() ? absl::StatusOr<grammar::Matcher>(*std::move(compiled))
                       : annotate(compiled.status(), place);
}

} // namespace strata
