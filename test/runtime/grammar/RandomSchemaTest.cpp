//===- RandomSchemaTest.cpp - random texts of random schemas --------------===//

#include "runtime/base/Json.h"
#include "runtime/base/Utf8.h"
#include "runtime/grammar/JsonSchema.h"
#include "test/runtime/grammar/GrammarTesting.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <cmath>

namespace strata::grammar {
namespace {

/// Schemas of the keywords that are supported.
class SchemaMaker {
public:
  explicit SchemaMaker(uint64_t seed) : random(seed) {}

  std::string schema(int depth) {
    switch (upTo(depth > 0 ? 10 : 6)) {
    case 0:
      return R"({"type": "boolean"})";
    case 1:
      return integer();
    case 2:
      return number();
    case 3:
      return string();
    case 4:
      return absl::StrCat(R"({"enum": [null, )", upTo(99), R"(, "a\"b", true, [1, {"k": 0.5}]]})");
    case 5:
      return upTo(1) ? R"({"type": ["null", "integer"]})" : R"({"const": "\u00e9\n"})";
    case 6:
    case 7:
      return object(depth);
    case 8:
      return array(depth);
    case 9:
      return absl::StrCat(R"({"anyOf": [)", schema(depth - 1), ", ", schema(depth - 1), "]}");
    default:
      return absl::StrCat(R"({"allOf": [{"type": ["integer", "object"]}, )", object(depth), "]}");
    }
  }

private:
  int64_t upTo(int64_t most) { return int64_t(random() % uint64_t(most + 1)); }

  std::string integer() {
    const int64_t least = upTo(2000) - 1000;
    return absl::StrCat(R"({"type": "integer", ")", upTo(1) ? "minimum" : "exclusiveMinimum",
                        "\": ", least, ", \"", upTo(1) ? "maximum" : "exclusiveMaximum",
                        "\": ", least + 2 + upTo(3000), "}");
  }
  std::string number() {
    const double least = double(upTo(2000)) / 8 - 125;
    return absl::StrCat(R"({"type": "number", "minimum": )", least, ", \"",
                        upTo(1) ? "maximum" : "exclusiveMaximum",
                        "\": ", least + 1.5 + double(upTo(80)) / 16, "}");
  }
  std::string string() {
    constexpr const char *kPatterns[] = {"^[a-z]{2,5}-[0-9]+$", "^(ab|c\\\\\\\"){1,3}$", "x.y",
                                         "^\\\\d{3}"};
    constexpr const char *kFormats[] = {"date", "time", "date-time", "uuid", "ipv4", "duration"};
    if (upTo(2) == 0)
      return absl::StrCat(R"({"type": "string", "pattern": ")", kPatterns[upTo(3)], "\"}");
    if (upTo(2) == 0)
      return absl::StrCat(R"({"type": "string", "format": ")", kFormats[upTo(5)], "\"}");
    const int64_t least = upTo(5);
    return absl::StrCat(R"({"type": "string", "minLength": )", least, R"(, "maxLength": )",
                        least + upTo(20), "}");
  }
  std::string object(int depth) {
    std::vector<std::string> members, required;
    for (int64_t count = upTo(4); count > 0; --count) {
      members.push_back(absl::StrCat("\"p", members.size(), "\": ", schema(depth - 1)));
      if (upTo(1))
        required.push_back(absl::StrCat("\"p", members.size() - 1, "\""));
    }
    constexpr const char *kOthers[] = {"", R"(, "additionalProperties": false)",
                                       R"(, "additionalProperties": {"type": "integer"})"};
    return absl::StrCat(R"({"type": "object", "properties": {)", absl::StrJoin(members, ", "),
                        R"(}, "required": [)", absl::StrJoin(required, ", "), "]", kOthers[upTo(2)],
                        "}");
  }
  std::string array(int depth) {
    const int64_t least = upTo(2);
    const std::string prefix =
        upTo(2) ? "" : absl::StrCat("\"prefixItems\": [", schema(depth - 1), "], ");
    return absl::StrCat(R"({"type": "array", )", prefix, "\"items\": ", schema(depth - 1),
                        R"(, "minItems": )", least, R"(, "maxItems": )", least + upTo(3), "}");
  }

  std::mt19937_64 random;
};

/// What the keywords of SchemaMaker mean, written down without the grammars.
bool fits(const JsonObject &schema, const JsonValue &value);

bool fits(const JsonValue &schema, const JsonValue &value) {
  return fits(schema.object().value(), value);
}

bool isSame(const JsonValue &a, const JsonValue &b) {
  if (a.isNull() || b.isNull())
    return a.isNull() && b.isNull();
  if (a.isString() || b.isString())
    return a.isString() && b.isString() && *a.string() == *b.string();
  if (a.isArray() || b.isArray()) {
    if (!a.isArray() || !b.isArray() || a.array()->size() != b.array()->size())
      return false;
    for (size_t i = 0; i < a.array()->size(); ++i)
      if (!isSame(a.array()->at(i), b.array()->at(i)))
        return false;
    return true;
  }
  if (a.isObject() || b.isObject()) {
    if (!a.isObject() || !b.isObject())
      return false;
    const auto members = a.object()->members();
    return members.size() == b.object()->members().size() &&
           std::ranges::all_of(members, [&](const JsonMember &member) {
             const auto other = b.object()->find(member.key);
             return other && isSame(member.value, *other);
           });
  }
  if (a.boolean().ok() || b.boolean().ok())
    return a.boolean().ok() && b.boolean().ok() && *a.boolean() == *b.boolean();
  return *a.number() == *b.number();
}

bool isOfType(std::string_view type, const JsonValue &value) {
  if (type == "null")
    return value.isNull();
  if (type == "string")
    return value.isString();
  if (type == "array")
    return value.isArray();
  if (type == "object")
    return value.isObject();
  if (type == "boolean")
    return value.boolean().ok();
  const auto number = value.number();
  return number.ok() && (type == "number" || std::trunc(*number) == *number);
}

bool numberFits(const JsonObject &schema, double number) {
  const auto bound = [&](const char *key, auto holds) {
    const auto value = schema.optionalNumber(key).value();
    return !value || holds(*value);
  };
  return bound("minimum", [&](double least) { return number >= least; }) &&
         bound("maximum", [&](double most) { return number <= most; }) &&
         bound("exclusiveMinimum", [&](double least) { return number > least; }) &&
         bound("exclusiveMaximum", [&](double most) { return number < most; });
}

int64_t charactersIn(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (uint8_t(c) & 0xC0) != 0x80; });
}

/// Patterns are those of SchemaMaker.
bool patternFits(std::string_view pattern, std::string_view text) {
  const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
  if (pattern == "x.y") {
    for (size_t at = text.find('x'); at != text.npos; at = text.find('x', at + 1))
      if (const std::string_view rest = text.substr(at + 1);
          !rest.empty() && rest[0] != '\n' && rest[0] != '\r' &&
          rest.substr(characterBytes(rest[0])).starts_with("y"))
        return true;
    return false;
  }
  if (pattern == "^\\d{3}")
    return text.size() >= 3 && std::ranges::all_of(text.substr(0, 3), isDigit);
  if (pattern.starts_with("^(ab")) {
    int count = 0;
    for (; text.starts_with("ab") || text.starts_with("c\""); text.remove_prefix(2))
      ++count;
    return text.empty() && count >= 1 && count <= 3;
  }
  const size_t dash = text.find('-');
  return dash >= 2 && dash <= 5 && text.size() > dash + 1 &&
         std::ranges::all_of(text.substr(0, dash), [](char c) { return c >= 'a' && c <= 'z'; }) &&
         std::ranges::all_of(text.substr(dash + 1), isDigit);
}

/// Only what is told at a glance; JsonSchemaSuite has the rest.
bool formatFits(std::string_view format, std::string_view text) {
  if (format == "date")
    return text.size() == 10 && text[4] == '-' && text.substr(5, 2) <= "12" &&
           text.substr(8) <= "31";
  if (format == "time")
    return text.size() >= 9 && text[2] == ':' && text.substr(0, 2) <= "23" &&
           text.substr(3, 2) <= "59";
  if (format == "date-time")
    return text.size() >= 20 && formatFits("date", text.substr(0, 10)) &&
           formatFits("time", text.substr(11));
  if (format == "uuid")
    return text.size() == 36 && text[8] == '-' && text[23] == '-';
  if (format == "duration")
    return text.size() >= 3 && text[0] == 'P' && text.back() >= 'A';
  return std::ranges::count(text, '.') == 3 && text.size() <= 15;
}

bool stringFits(const JsonObject &schema, std::string_view text) {
  const auto pattern = schema.optionalString("pattern").value();
  const auto format = schema.optionalString("format").value();
  const int64_t length = charactersIn(text);
  return length >= schema.optionalInteger("minLength")->value_or(0) &&
         length <= schema.optionalInteger("maxLength")->value_or(INT64_MAX) &&
         (!pattern || patternFits(*pattern, text)) && (!format || formatFits(*format, text));
}

bool arrayFits(const JsonObject &schema, const std::vector<JsonValue> &items) {
  if (int64_t(items.size()) < schema.optionalInteger("minItems")->value_or(0) ||
      int64_t(items.size()) > schema.optionalInteger("maxItems")->value_or(INT64_MAX))
    return false;
  std::vector<JsonValue> prefix;
  if (const auto value = schema.find("prefixItems"))
    prefix = value->array().value();
  const auto rest = schema.find("items");
  for (size_t i = 0; i < items.size(); ++i)
    if (i < prefix.size() ? !fits(prefix[i], items[i]) : rest && !fits(*rest, items[i]))
      return false;
  return true;
}

bool objectFits(const JsonObject &schema, const JsonObject &object) {
  const auto required = schema.find("required");
  const auto names = required ? required->array().value() : std::vector<JsonValue>();
  for (const JsonValue &name : names)
    if (!object.find(*name.string()))
      return false;
  const auto properties = schema.optionalObject("properties").value();
  const auto additional = schema.find("additionalProperties");
  for (const JsonMember &member : object.members()) {
    const auto own = properties ? properties->find(member.key) : std::nullopt;
    if (own && !fits(*own, member.value))
      return false;
    if (!own && additional && additional->isObject() && !fits(*additional, member.value))
      return false;
    if (!own && properties && (!additional || !additional->isObject())) // closed
      return false;
  }
  return true;
}

bool fits(const JsonObject &schema, const JsonValue &value) {
  if (const auto type = schema.find("type")) {
    const std::vector<JsonValue> names =
        type->isArray() ? type->array().value() : std::vector<JsonValue>{*type};
    if (std::ranges::none_of(
            names, [&](const JsonValue &name) { return isOfType(*name.string(), value); }))
      return false;
  }
  if (const auto constant = schema.find("const"); constant && !isSame(*constant, value))
    return false;
  if (const auto values = schema.find("enum"))
    if (const auto all = values->array().value();
        std::ranges::none_of(all, [&](const JsonValue &each) { return isSame(each, value); }))
      return false;
  const auto fitsThis = [&](const JsonValue &each) { return fits(each, value); };
  if (const auto any = schema.find("anyOf"))
    if (const auto all = any->array().value(); std::ranges::none_of(all, fitsThis))
      return false;
  if (const auto every = schema.find("allOf"))
    if (const auto all = every->array().value(); !std::ranges::all_of(all, fitsThis))
      return false;
  if (value.isString())
    return stringFits(schema, *value.string());
  if (value.isArray())
    return arrayFits(schema, *value.array());
  if (value.isObject())
    return objectFits(schema, *value.object());
  return value.isNull() || value.boolean().ok() || numberFits(schema, *value.number());
}

/// Texts are written token by token, each drawn from those that may follow.
TEST(RandomSchemas, WhatIsWrittenFits) {
  int64_t texts = 0, unfinished = 0, bytes = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const std::string schema = SchemaMaker(seed).schema(3);
    const auto grammar = compiled(parseJsonSchema(schema));
    std::mt19937_64 random(seed);
    for (int i = 0; i < 3; ++i) {
      const std::string text = randomText(grammar, random, 400);
      if (!matches(grammar, text)) { // cut off
        ++unfinished;
        continue;
      }
      ++texts;
      bytes += int64_t(text.size());
      JsonDocument::Notes duplicates;
      const auto document = JsonDocument::parse(text, "text", &duplicates);
      ASSERT_TRUE(document.ok()) << document.status() << "\n" << schema << "\n" << text;
      const auto rule = JsonDocument::parse(schema, "schema").value();
      ASSERT_TRUE(fits(rule.root(), document->root())) << schema << "\n" << text;
    }
  }
  std::cout << texts << " texts of " << bytes << " bytes fit, " << unfinished << " were cut off\n";
  EXPECT_GE(texts, 2800);
}

} // namespace
} // namespace strata::grammar
