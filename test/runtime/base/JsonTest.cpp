#include "runtime/base/Json.h"

#include "test/runtime/TestFolder.h"

#include <gtest/gtest.h>

using namespace strata;

static JsonDocument parsed(std::string_view text) {
  auto document = JsonDocument::parse(text, "config.json");
  EXPECT_TRUE(document.ok()) << document.status();
  return *std::move(document);
}

static std::string parseError(std::string_view text) {
  return std::string(JsonDocument::parse(text, "config.json").status().message());
}

template <typename T>
static std::string error(const absl::StatusOr<T> &result) {
  return std::string(result.status().message());
}

TEST(Json, ReadsEveryType) {
  const JsonDocument document = parsed(R"({"hidden": 64, "eps": 1e-5, "tied": false, "act": "relu2",
                                           "eos": [3, 5], "rope": {"theta": 10000}, "pad": null})");
  const JsonObject config = *document.object();
  EXPECT_EQ(*config.integer("hidden", {.min = 1, .max = 64}), 64);
  EXPECT_EQ(*config.number("eps", {.min = 0, .max = 1}), 1e-5);
  EXPECT_EQ(*config.number("hidden"), 64.0);
  EXPECT_EQ(*config.boolean("tied"), false);
  EXPECT_EQ(*config.string("act"), "relu2");
  EXPECT_EQ(*config.integers("eos"), (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(*config.object("rope")->integer("theta"), 10000);
  EXPECT_EQ(config.members().size(), 7u);
  EXPECT_EQ(config.members()[1].key, "eps");
}

TEST(Json, AbsentAndNullAreTheSameWhereOptional) {
  const JsonDocument document = parsed(R"({"pad": null, "bos": 2, "bad": "2"})");
  const JsonObject config = *document.object();
  EXPECT_EQ(*config.optionalInteger("pad"), std::nullopt);
  EXPECT_EQ(*config.optionalInteger("absent"), std::nullopt);
  EXPECT_EQ(*config.optionalInteger("bos"), 2);
  EXPECT_EQ(*config.optionalNumber("bos"), 2.0);
  EXPECT_EQ(*config.optionalBoolean("pad"), std::nullopt);
  EXPECT_EQ(*config.optionalString("bad"), "2");
  EXPECT_FALSE(config.optionalObject("absent")->has_value());
  EXPECT_EQ(error(config.optionalInteger("bad")),
            "config.json: bad: expected an integer, found \"2\"");
}

TEST(Json, RequiredKeysMustBeThere) {
  const JsonDocument document = parsed(R"({"rope": {}, "hidden": null})");
  const JsonObject config = *document.object();
  EXPECT_EQ(error(config.integer("hidden", {.min = 1, .max = 65536})),
            "config.json: hidden: expected an integer in [1, 65536], found null");
  EXPECT_EQ(error(config.integer("layers", {.min = 1})),
            "config.json: layers: missing, expected an integer of at least 1");
  EXPECT_EQ(error(config.object("rope")->number("theta", {.min = 0, .minExcluded = true})),
            "config.json: rope.theta: missing, expected a number above 0");
}

/// What an integer of at least 1 must not be.
struct BadInteger {
  const char *text, *found;
};

TEST(Json, IntegersAreIntegers) {
  for (const auto &[text, found] : std::initializer_list<BadInteger>{
           {"-1", "-1"},
           {"-5", "-5"},
           {"0", "0"},
           {"1.5", "1.5"},
           {"3.0", "3.0"},
           {"3.7", "3.7"},
           {"1e3", "1000.0"},
           {"\"8\"", "\"8\""},
           {"true", "true"},
           {"[8]", "a list"},
           {"{}", "an object"},
           {"2147483648", "2147483648"},
           {"4294967297", "4294967297"},
           {"9223372036854775808", "9223372036854775808 in line 1"},
           {"18446744073709551615", "18446744073709551615 in line 1"},
       }) {
    const JsonDocument document = parsed("{\"hidden_size\": " + std::string(text) + "}");
    EXPECT_EQ(error(document.object()->integer("hidden_size", {.min = 1, .max = 65536})),
              std::string("config.json: hidden_size: expected an integer in [1, 65536], found ") +
                  found);
  }
}

TEST(Json, MalformedNumbersAreFound) {
  const auto expected = [](std::string found) {
    return "config.json: hidden_size: expected a well-formed number, found " + found;
  };
  EXPECT_EQ(parseError(R"({"a": "x\":1", "hidden_size": 007})"), expected("007"));
  EXPECT_EQ(parseError(R"({"a": 18446744073709551616, "hidden_size": 01e400})"),
            expected("01e400"));
  EXPECT_EQ(parseError(R"({"hidden_size": 1.2.3})"), expected("1.2.3"));
  EXPECT_EQ(parseError(R"({"hidden_size": -})"), expected("-"));
}

/// transformers writes int(1e30) for every tokenizer without a limit, and float("nan") as it is.
TEST(Json, NumbersOfPythonStopNothingUnlessTheyAreAskedFor) {
  const JsonDocument document = parsed("{\"a\": 1000000000000000019884624838656, \"b\": NaN,\n"
                                       "\"text\": \"NaN, \\\" Infinity\", \"c\": [-Infinity,\n"
                                       "1e999, -9223372036854775809], \"d\": 7}");
  const JsonObject json = *document.object();
  EXPECT_EQ(*json.integer("d"), 7);
  EXPECT_EQ(*json.string("text"), "NaN, \" Infinity");
  EXPECT_EQ(*json.number("a"), 1e30);
  EXPECT_EQ(error(json.integer("a")), "config.json: a: expected an integer, found "
                                      "1000000000000000019884624838656 in line 1");
  EXPECT_EQ(error(json.number("b")), "config.json: b: expected a number, found NaN in line 1");
  const std::vector<JsonValue> values = *json.array("c");
  EXPECT_EQ(error(values[0].number()),
            "config.json: c[0]: expected a number, found -Infinity in line 2");
  EXPECT_EQ(error(values[1].number()),
            "config.json: c[1]: expected a number, found 1e999 in line 3");
  EXPECT_EQ(error(values[2].integer()),
            "config.json: c[2]: expected an integer, found -9223372036854775809 in line 3");
  EXPECT_EQ(error(values[0].string()),
            "config.json: c[0]: expected a string, found -Infinity in line 2");
}

TEST(Json, NumbersStayInRange) {
  const JsonDocument document = parsed(R"({"zero": 0, "one": 1.0, "big": 1e300, "text": "1"})");
  const JsonObject config = *document.object();
  const NumberRange open{.min = 0, .max = 1, .minExcluded = true, .maxExcluded = true};
  EXPECT_EQ(error(config.number("zero", open)),
            "config.json: zero: expected a number in (0, 1), found 0");
  EXPECT_EQ(error(config.number("one", open)),
            "config.json: one: expected a number in (0, 1), found 1.0");
  EXPECT_EQ(error(config.number("big", {.min = 0.5, .max = 2})),
            "config.json: big: expected a number in [0.5, 2], found 1e+300");
  EXPECT_EQ(error(config.number("text")), "config.json: text: expected a number, found \"1\"");
  EXPECT_TRUE(config.number("one", {.min = 0, .max = 1, .minExcluded = true}).ok());
}

TEST(Json, WrongTypesNameTheirPlace) {
  const JsonDocument document = parsed(R"({"eos": [3, "x"], "rope": {"type": 5}, "k\n": 1})");
  const JsonObject config = *document.object();
  EXPECT_EQ(error(config.integers("eos")), "config.json: eos[1]: expected an integer, found \"x\"");
  EXPECT_EQ(error(config.object("rope")->string("type")),
            "config.json: rope.type: expected a string, found 5");
  EXPECT_EQ(error(config.boolean("k\n")), "config.json: \"k\\n\": expected true or false, found 1");
  EXPECT_EQ(error(config.object("eos")), "config.json: eos: expected an object, found a list");
  EXPECT_EQ(error(config.array("rope")), "config.json: rope: expected a list, found an object");
  EXPECT_EQ(error(parsed("[1]").object()), "config.json: expected an object, found a list");
  EXPECT_EQ(error(parsed("null").object()), "config.json: expected an object, found null");
}

TEST(Json, DuplicateKeysAreRefused) {
  EXPECT_EQ(parseError(R"({"a": 1, "b": 2, "a": 3})"),
            "config.json: a: key stands more than once in its object");
  EXPECT_EQ(parseError(R"({"x": [{}, {"y": {"a": 1, "\u0061": 3}}]})"),
            "config.json: x[1].y.a: key stands more than once in its object");
  EXPECT_TRUE(JsonDocument::parse(R"({"a": {"a": 1}, "b": {"a": 1}})", "config.json").ok());
}

TEST(Json, WithNotesTheLastOfDuplicateKeysCounts) {
  JsonDocument::Notes notes;
  const auto document = JsonDocument::parse(R"({"a": 1, "b": {"x": 1, "x": [2]}, "c": 5, "a": 3})",
                                            "config.json", &notes);
  const JsonObject json = *document->object();
  EXPECT_EQ(*json.integer("a"), 3);
  EXPECT_EQ(*json.object("b")->integers("x"), std::vector<int64_t>{2});
  ASSERT_EQ(json.members().size(), 3u);
  EXPECT_EQ(json.members()[0].key, "a");
  EXPECT_EQ(*json.members()[0].value.integer(), 3);
  EXPECT_EQ(notes,
            (JsonDocument::Notes{
                "config.json: b.x: key stands more than once in its object; the last counts",
                "config.json: a: key stands more than once in its object; the last counts"}));
}

TEST(Json, DepthIsLimited) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(JsonDocument::parse(nested(64), "config.json").ok());
  EXPECT_EQ(parseError(nested(65)), "config.json: nested deeper than 64 levels");
  EXPECT_EQ(parseError(nested(100000)), "config.json: nested deeper than 64 levels");
  EXPECT_NE(parseError(std::string(100000, '[')), "");
}

TEST(Json, EncodingIsUtf8) {
  EXPECT_EQ(parseError("\xEF\xBB\xBF{}"),
            "config.json: begins with a byte-order mark, expected UTF-8 without one");
  EXPECT_EQ(parseError(std::string_view("\xFF\xFE{\0}\0", 6)),
            "config.json: is not UTF-8 but UTF-16 or UTF-32");
  EXPECT_EQ(parseError(std::string_view("{\0}\0", 4)),
            "config.json: is not UTF-8 but UTF-16 or UTF-32");
  EXPECT_EQ(parseError("{\"a\": \"\xC3\x28\"}"), "config.json: not UTF-8");
  EXPECT_EQ(parseError("{\"a\": \"\xED\xA0\x80\"}"), "config.json: not UTF-8");
}

TEST(Json, SyntaxIsStrict) {
  for (const char *text : {"",
                           " ",
                           "{",
                           "}",
                           "{]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{\"a\":nan}",
                           "{\"a\":NaNs}",
                           "{\"a\":+Infinity}",
                           "{NaN:1}",
                           "{\"a\":NaN NaN}",
                           "{\"a\":.5}",
                           "{\"a\":5.}",
                           "{\"a\":+5}",
                           "{\"a\":1}x",
                           "{\"a\":1}{}",
                           "[1 2]",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\ud800\"}",
                           "nul",
                           "// {}",
                           "\x1f\x8b"}) {
    EXPECT_TRUE(parseError(text).starts_with("config.json: ")) << text << ": " << parseError(text);
  }
  EXPECT_EQ(parseError(std::string_view("{}\0", 3)),
            "config.json: not JSON: a bracket, comma or value is missing, misplaced or misspelt");
}

TEST(Json, EveryPrefixIsAnError) {
  const std::string text = R"({"a": [1, -2.5e3, true, null, "\u00e9x"], "b": {"c": "d"}})";
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(JsonDocument::parse(text.substr(0, size), "config.json").ok()) << size;
  EXPECT_TRUE(JsonDocument::parse(text, "config.json").ok());
}

TEST(Json, FilesHaveALimit) {
  TestFolder folder;
  const std::string path = folder.write("config.json", "{\"a\": 1}");
  EXPECT_EQ(*JsonDocument::parseFile(path, 8)->object()->integer("a"), 1);
  EXPECT_EQ(error(JsonDocument::parseFile(path, 7)),
            path + ": file has 8 bytes, expected at most 7");
  EXPECT_EQ(error(JsonDocument::parseFile(folder.path("no.json"), 7)),
            folder.path("no.json") + ": cannot open: No such file or directory");
}

TEST(Json, ValuesSurviveAMove) {
  JsonDocument document = parsed(R"({"a": "text"})");
  const JsonObject object = *document.object();
  const JsonDocument moved = std::move(document);
  EXPECT_EQ(*object.string("a"), "text");
}
