//===- JsonSchemaTest.cpp - JSON schemas as grammars ----------------------===//

#include "runtime/grammar/JsonSchema.h"

#include "runtime/grammar/JsonRules.h"
#include "test/runtime/grammar/GrammarTesting.h"

#include "absl/strings/str_cat.h"

namespace strata::grammar {
namespace {

bool fits(std::string_view schema, std::string_view text) {
  return matches(compiled(parseJsonSchema(schema)), text);
}

std::string refused(std::string_view schema) { return refusal(parseJsonSchema(schema)); }

TEST(JsonSchema, GapsAreFew) {
  const auto grammar = compiled(jsonObjects());
  EXPECT_TRUE(matches(grammar, R"({"a": [1, -2.5e+3, "\u00e9\ud83d\ude00", {}], "b":null})"));
  EXPECT_TRUE(matches(grammar, "{\n  \"a\": true,\n\t\"b\": []\n}"));
  EXPECT_FALSE(matches(grammar, R"({"a" : 1})"));
  EXPECT_FALSE(matches(grammar, "{  }"));
  EXPECT_FALSE(matches(grammar, " {}"));
  EXPECT_FALSE(matches(grammar, "{} "));
  EXPECT_FALSE(matches(grammar, R"({"a": "\ud83d"})")); // half of a pair
  EXPECT_FALSE(matches(grammar, R"({"a": 01})"));
  EXPECT_FALSE(matches(grammar, R"({"a": 1e400})"));
  EXPECT_FALSE(matches(grammar, "[]"));
}

TEST(JsonSchema, MembersComeInTheirOrder) {
  constexpr char kSchema[] =
      R"({"properties": {"b": {"type": "integer"}, "a": true, "c": {"const": 0}},
    "required": ["c", "d"], "additionalProperties": {"type": "null"}, "type": "object"})";
  EXPECT_TRUE(fits(kSchema, R"({"b":1,"a":[],"c":0,"d":null})"));
  EXPECT_TRUE(fits(kSchema, R"({"c":0,"d":null,"e":null,"":null,"ab":null})"));
  EXPECT_FALSE(fits(kSchema, R"({"a":1,"b":1,"c":0,"d":null})"));
  EXPECT_FALSE(fits(kSchema, R"({"b":1,"d":null})"));
  EXPECT_FALSE(fits(kSchema, R"({"c":0,"d":null,"a":null})")); // no second name for what has one
  EXPECT_FALSE(fits(kSchema, R"({"c":0,"d":null,"\u0061":null})"));
}

TEST(JsonSchema, ObjectsAreClosed) {
  EXPECT_FALSE(fits(R"({"properties": {"a": true}, "type": "object"})", R"({"b":1})"));
  EXPECT_TRUE(fits(R"({"properties": {"a": true}, "additionalProperties": true})", R"({"b":1})"));
  EXPECT_TRUE(fits(R"({"type": "object"})", R"({"b":1})"));
  // Of schemas that are all true, each may name some.
  EXPECT_TRUE(fits(R"({"allOf": [{"properties": {"a": true}}, {"properties": {"b": true}}]})",
                   R"({"a":1,"b":2})"));
}

TEST(JsonSchema, SchemasMayCallThemselves) {
  constexpr char kTree[] = R"({"$defs": {"tree": {"type": "object", "properties": {"kids": {"type":
    "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["kids"]}}, "$ref": "#/$defs/tree"})";
  EXPECT_TRUE(fits(kTree, R"({"kids":[{"kids":[]},{"kids":[{"kids":[]}]}]})"));
  EXPECT_FALSE(fits(kTree, R"({"kids":[{}]})"));
}

TEST(JsonSchema, BoundsOfNumbers) {
  for (const auto &[schema, least, most] :
       {std::tuple(R"({"type": "integer", "minimum": -12, "exclusiveMaximum": 1050})", -12, 1049),
        std::tuple(R"({"type": "integer", "exclusiveMinimum": 7, "maximum": 19})", 8, 19),
        std::tuple(R"({"type": "integer", "minimum": -305, "maximum": -98.5})", -305, -99)}) {
    const auto grammar = compiled(parseJsonSchema(schema));
    for (int i = -1500; i <= 1500; ++i)
      ASSERT_EQ(matches(grammar, std::to_string(i)), i >= least && i <= most) << schema << i;
  }
  const auto grammar =
      compiled(parseJsonSchema(R"({"type": "number", "minimum": -0.25, "exclusiveMaximum": 1.5})"));
  for (int i = -4000; i <= 4000; ++i)
    ASSERT_EQ(matches(grammar, absl::StrCat(double(i) / 1000)), i >= -250 && i < 1500) << i;
}

TEST(JsonSchema, OneOfMustExclude) {
  constexpr char kKinds[] = R"({"oneOf": [
    {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}},
     "required": ["kind"]},
    {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}]})";
  EXPECT_TRUE(fits(kKinds, R"({"kind":"a","x":1})"));
  EXPECT_FALSE(fits(kKinds, R"({"kind":"b","x":1})"));
  EXPECT_EQ(refused(R"({"oneOf": [{"type": "string"}, {"minLength": 2}]})"),
            "oneOf: is only supported for schemas that exclude each other by type, const or enum, "
            "or by those of a required property; [0] and [1] may not");
}

TEST(JsonSchema, RefusesByNameAndPlace) {
  EXPECT_EQ(refused(R"({"properties": {"a": {"uniqueItems": true}}})"),
            "properties.a.uniqueItems: is not supported");
  for (const char *keyword :
       {"not", "if", "patternProperties", "propertyNames", "contains", "multipleOf",
        "dependentRequired", "unevaluatedProperties", "whatever"})
    EXPECT_EQ(refused(absl::StrCat("{\"items\": {\"", keyword, "\": {}}}")),
              absl::StrCat("items.", keyword, ": is not supported"));
  EXPECT_EQ(refused(R"({"format": "email"})"), "format: \"email\" is not supported");
  EXPECT_EQ(refused("{\"pattern\": \"a(?=b)\"}"),
            "pattern: line 1, column 5: (?=\u2026) is not supported");
  EXPECT_EQ(refused(R"({"pattern": "a", "minLength": 2})"),
            "pattern: beside other limits of a string is not supported");
  EXPECT_EQ(refused(R"({"pattern": "a", "allOf": [{"pattern": "b"}]})"),
            "allOf[0].pattern: a second one for the same value is not supported");
  EXPECT_EQ(refused(R"({"enum": ["a"], "minLength": 2})"),
            "enum[0]: const and enum beside what else is said of strings, arrays and objects are "
            "not supported");
  EXPECT_EQ(refused(R"({"properties": {"a": true}, "minProperties": 1})"),
            "minProperties: is not supported beside properties and required");
  EXPECT_EQ(refused(R"({"type": "number", "minimum": 1.25, "maximum": 1.75})"),
            "minimum: numbers between two bounds with the same whole part are not supported");
  EXPECT_EQ(refused(R"({"$ref": "other.json"})"),
            "$ref: expected \"#\" or \"#/\u2026\", found \"other.json\"");
  EXPECT_EQ(refused(R"({"$ref": "#/$defs/a"})"), "$ref: there is no \"#/$defs/a\"");
  EXPECT_EQ(refused(R"({"$defs": {"a": {"$ref": "#/$defs/a"}}, "items": {"$ref": "#/$defs/a"}})"),
            "items: refers to itself");
  EXPECT_EQ(refused(R"({"properties": {"a": {"$id": "b"}}})"),
            "properties.a.$id: is not supported");
}

TEST(JsonSchema, TellsWhatIsWrong) {
  EXPECT_EQ(refused(R"({"type": "strin"})"), "type: there is no type \"strin\"");
  EXPECT_EQ(refused(R"({"minLength": -1})"),
            "minLength: expected a whole number from 0 to 2147483647");
  EXPECT_EQ(refused(R"({"minimum": "1"})"), "minimum: expected a number");
  EXPECT_EQ(refused(R"({"pattern": 1})"), "pattern: expected a string");
  EXPECT_EQ(refused(R"({"items": 1})"), "items: expected a schema: an object, true or false");
  EXPECT_EQ(refused(R"({"anyOf": {}})"), "anyOf: expected a list of schemas");
  EXPECT_EQ(refused(R"({"enum": 1})"), "enum: expected a list of values");
  EXPECT_EQ(refused(R"({"required": "a"})"), "required: expected a list of names");
  EXPECT_EQ(refused(R"({"properties": 1})"), "properties: expected an object of schemas");
  EXPECT_EQ(refused("false"), "no text matches");
  EXPECT_EQ(refused(R"({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})"),
            "no text matches");
}

std::string repeated(const std::string &what, int count) {
  std::string all = what;
  for (int i = 1; i < count; ++i)
    all += "," + what;
  return all;
}

TEST(JsonSchema, LimitsAreNamed) {
  EXPECT_EQ(refused(absl::StrCat("{\"enum\": [", repeated("1", 5000), "]}")),
            "enum: expected at most 4096, found 5000");
  EXPECT_EQ(refused(absl::StrCat("{\"required\": [", repeated("\"a\"", 3000), "]}")),
            "required: expected at most 2048, found 3000");
  EXPECT_EQ(refused(absl::StrCat("{\"oneOf\": [", repeated("{}", 300), "]}")),
            "oneOf: expected at most 256, found 300");
  EXPECT_EQ(refused(absl::StrCat("{\"required\": [\"", std::string(300, 'a'), "\"]}")),
            "required[0]: expected a name of at most 256 bytes, found 300");
  // Ten choices, one beside the other.
  const std::string choice = absl::StrCat("{\"anyOf\": [", repeated("{\"minimum\": 1}", 10), "]}");
  EXPECT_EQ(refused(absl::StrCat("{\"allOf\": [", repeated(choice, 10), "]}")),
            "expected at most 4096 choices of anyOf and oneOf, found more");
  EXPECT_EQ(refused(R"({"type": "array", "items": {"type": "array"}, "maxItems": 2000000000})"),
            "expected an automaton of at most 131072 states and 1048576 edges, found more");
  std::string chain = R"({"$ref": "#/$defs/d0", "type": "null", "$defs": {)";
  for (int i = 0; i < 100; ++i)
    chain += absl::StrCat("\"d", i, R"(": {"type": "null", "$ref": "#/$defs/d)", i + 1, "\"}, ");
  EXPECT_EQ(refused(chain + R"("d100": {}}})"),
            "$defs.d63: expected schemas at most 64 deep in each other");
}

} // namespace
} // namespace strata::grammar
