//===- GrammarRequest.cpp - what a text is asked to be --------------------===//

#include "tools/serve/GrammarRequest.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/grammar/JsonTree.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace strata::serve {
namespace {

using grammar::GrammarSource;
using Kind = GrammarSource::Kind;

/// A source, and the field that it stands in.
struct Asked {
  std::string field;
  GrammarSource source;
};

constexpr std::string_view kFields[] = {"response_format", "structured_outputs", "guided_json",
                                        "guided_regex",    "guided_choice",      "guided_grammar",
                                        "grammar",         "json_schema"};

class GrammarReader {
public:
  explicit GrammarReader(const JsonObject &body) : body(body) {}

  absl::StatusOr<std::vector<Asked>> read();

private:
  absl::Status readText(const JsonObject &object, const std::string &prefix, const char *key,
                        Kind kind);
  absl::Status readSchema(const JsonObject &object, const std::string &prefix, const char *key);
  absl::Status readChoices(const JsonObject &object, const std::string &prefix, const char *key);
  absl::Status readFormat();
  absl::Status readStructured();

  const JsonObject &body;
  std::vector<Asked> asked;
};

absl::Status GrammarReader::readText(const JsonObject &object, const std::string &prefix,
                                     const char *key, Kind kind) {
  STRATA_ASSIGN(const auto text, object.optionalString(key));
  if (text && !text->empty())
    asked.push_back({prefix + key, {kind, std::string(*text)}});
  return absl::OkStatus();
}

/// An object, true, false, or JSON in a string.
absl::Status GrammarReader::readSchema(const JsonObject &object, const std::string &prefix,
                                       const char *key) {
  const auto value = object.findNonNull(key);
  if (!value || (value->isString() && value->string()->empty()))
    return absl::OkStatus();
  std::string text;
  if (value->isString()) {
    STRATA_ASSIGN(text, value->string());
  } else {
    STRATA_ASSIGN(const grammar::JsonTree tree, grammar::JsonTree::from(*value, ""));
    text = spell(tree);
  }
  asked.push_back({prefix + key, {Kind::jsonSchema, std::move(text)}});
  return absl::OkStatus();
}

absl::Status GrammarReader::readChoices(const JsonObject &object, const std::string &prefix,
                                        const char *key) {
  const auto value = object.findNonNull(key);
  if (!value)
    return absl::OkStatus();
  GrammarSource source{Kind::choice};
  STRATA_ASSIGN(const auto items, value->array());
  for (const JsonValue &item : items) {
    STRATA_ASSIGN(source.choices.emplace_back(), item.string());
  }
  asked.push_back({prefix + key, std::move(source)});
  return absl::OkStatus();
}

/// {"type": "json_schema", "json_schema": {"name": …, "strict": …, "schema": …}}; llama-server
/// takes "schema" beside "type", too.
absl::Status GrammarReader::readFormat() {
  STRATA_ASSIGN(const auto format, body.optionalObject("response_format"));
  if (!format)
    return absl::OkStatus();
  STRATA_ASSIGN(const std::string_view type, format->string("type"));
  if (type == "text")
    return absl::OkStatus();
  if (type != "json_object" && type != "json_schema")
    return format->error(
        "type", absl::StrCat("expected text, json_object or json_schema, found ", quote(type)));
  const size_t before = asked.size();
  STRATA_TRY(readSchema(*format, "response_format.", "schema"));
  if (type == "json_schema") {
    STRATA_ASSIGN(const auto inner, format->optionalObject("json_schema"));
    if (inner) {
      STRATA_TRY(inner->optionalBoolean("strict").status()); // it always is
      STRATA_TRY(readSchema(*inner, "response_format.json_schema.", "schema"));
    }
    if (asked.size() == before)
      return format->error("json_schema", "expected an object with a schema, found none");
  } else if (asked.size() == before) {
    asked.push_back({"response_format", {Kind::jsonObject}});
  }
  return absl::OkStatus();
}

absl::Status GrammarReader::readStructured() {
  STRATA_ASSIGN(const auto object, body.optionalObject("structured_outputs"));
  if (!object)
    return absl::OkStatus();
  for (const char *key : {"structural_tag", "whitespace_pattern", "disable_any_whitespace"})
    if (const auto value = object->findNonNull(key)) {
      const auto truth = value->boolean();
      if (!truth.ok() || *truth)
        return object->error(key, "is not supported");
    }
  const std::string prefix = "structured_outputs.";
  STRATA_TRY(readSchema(*object, prefix, "json"));
  STRATA_TRY(readText(*object, prefix, "regex", Kind::regex));
  STRATA_TRY(readChoices(*object, prefix, "choice"));
  STRATA_TRY(readText(*object, prefix, "grammar", Kind::gbnf));
  STRATA_ASSIGN(const auto any, object->optionalBoolean("json_object"));
  if (any.value_or(false))
    asked.push_back({prefix + "json_object", {Kind::jsonObject}});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Asked>> GrammarReader::read() {
  STRATA_TRY(readFormat());
  STRATA_TRY(readStructured());
  STRATA_TRY(readSchema(body, "", "guided_json"));
  STRATA_TRY(readText(body, "", "guided_regex", Kind::regex));
  STRATA_TRY(readChoices(body, "", "guided_choice"));
  STRATA_TRY(readText(body, "", "guided_grammar", Kind::gbnf));
  STRATA_TRY(readText(body, "", "grammar", Kind::gbnf));
  STRATA_TRY(readSchema(body, "", "json_schema"));
  return std::move(asked);
}

} // namespace

absl::StatusOr<std::shared_ptr<grammar::CompiledGrammar>> readGrammar(grammar::Grammars &grammars,
                                                                      const JsonObject &body) {
  STRATA_ASSIGN(const std::vector<Asked> asked, GrammarReader(body).read());
  if (asked.empty())
    return nullptr;
  if (asked.size() > 1)
    return absl::InvalidArgumentError(absl::StrCat(
        asked[1].field, ": expected at most one grammar, found ", asked[0].field, ", too"));
  auto made = grammars.compile(asked[0].source);
  return made.ok() ? std::move(made) : annotate(made.status(), asked[0].field);
}

bool mayAskForGrammar(std::string_view body) {
  return std::ranges::any_of(
      kFields, [&](std::string_view field) { return body.find(field) != std::string_view::npos; });
}

} // namespace strata::serve
