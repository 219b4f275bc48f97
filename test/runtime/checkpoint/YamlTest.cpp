#include "runtime/checkpoint/Yaml.h"

#include <gtest/gtest.h>

using namespace strata;

namespace {

std::string error(const std::string &text) {
  const auto yaml = YamlMapping::parse(text, "c.yaml");
  return yaml.ok() ? "" : std::string(yaml.status().message());
}

/// The message for a key that is there but is no integer.
std::string integerError(const std::string &value) {
  const auto yaml = YamlMapping::parse("k: " + value, "c.yaml");
  EXPECT_TRUE(yaml.ok()) << yaml.status();
  const auto number = yaml.ok() ? yaml->integer("k") : yaml.status();
  return number.ok() ? "" : std::string(number.status().message());
}

} // namespace

TEST(Yaml, Scalars) {
  const auto yaml = YamlMapping::parse("---\n"
                                       "# a comment\n"
                                       "integer: -12  # behind a value\n"
                                       "number: 1.0e-05\n"
                                       "whole: 3\n"
                                       "yes: True\n"
                                       "text: a b: c#d\n"
                                       "single: 'x # y'\n"
                                       "\"double\": \"true\"\n"
                                       "nothing: null\n"
                                       "tilde: ~\n"
                                       "empty:\n"
                                       "crlf: 1\r\n"
                                       "last: ''",
                                       "c.yaml");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  EXPECT_EQ(*yaml->integer("integer"), -12);
  EXPECT_EQ(*yaml->number("number"), 1e-5);
  EXPECT_EQ(*yaml->number("whole"), 3);
  EXPECT_EQ(*yaml->boolean("yes"), true);
  EXPECT_EQ(*yaml->string("text"), "a b: c#d");
  EXPECT_EQ(*yaml->string("single"), "x # y");
  EXPECT_EQ(*yaml->string("double"), "true");
  EXPECT_EQ(*yaml->integer("crlf"), 1);
  EXPECT_EQ(*yaml->string("last"), "");
  for (const char *absent : {"nothing", "tilde", "empty", "other"})
    EXPECT_EQ(*yaml->integer(absent), std::nullopt) << absent;
}

TEST(Yaml, MappingsAndWhatIsSkipped) {
  const auto yaml = YamlMapping::parse("model:\n"
                                       "  tokenizer:\n"
                                       "    model: nemo:abc.model\n"
                                       "  list:\n"
                                       "  - 1\n"
                                       "  - a: 2\n"
                                       "    b: 3\n"
                                       "  deep:\n"
                                       "    - 4\n"
                                       "  flow: [1, 2,\n"
                                       "    3]\n"
                                       "  folded: words that\n"
                                       "    go on: here\n"
                                       "  block: |\n"
                                       "    hidden_size: 5\n"
                                       "  anchor: &a\n"
                                       "    x: 6\n"
                                       "  after: 7\n"
                                       "last: 8\n",
                                       "c.yaml");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  EXPECT_EQ(*yaml->string("model.tokenizer.model"), "nemo:abc.model");
  EXPECT_EQ(*yaml->string("model.folded"), "words that go on: here");
  EXPECT_EQ(*yaml->integer("model.after"), 7);
  EXPECT_EQ(*yaml->integer("last"), 8);
  for (const char *key :
       {"model", "model.list", "model.deep", "model.flow", "model.block", "model.anchor"})
    EXPECT_EQ(yaml->integer(key).status().message(),
              "c.yaml: " + std::string(key) + ": expected an integer, found no simple value");
}

TEST(Yaml, ValuesHaveTheirKind) {
  EXPECT_EQ(integerError("1.5"), "c.yaml: k: expected an integer, found 1.5");
  EXPECT_EQ(integerError("'8'"), "c.yaml: k: expected an integer, found 8");
  EXPECT_EQ(integerError("9223372036854775808"),
            "c.yaml: k: expected an integer, found 9223372036854775808");
  EXPECT_EQ(integerError("${.other}"), "c.yaml: k: expected an integer, found ${.other}");
  EXPECT_EQ(integerError("\"a\\n\""), "c.yaml: k: expected an integer, found no simple value");
  const auto yaml = YamlMapping::parse("n: nan\nb: 1\n", "c.yaml");
  ASSERT_TRUE(yaml.ok());
  EXPECT_EQ(yaml->number("n").status().message(), "c.yaml: n: expected a number, found nan");
  EXPECT_EQ(yaml->boolean("b").status().message(), "c.yaml: b: expected true or false, found 1");
}

TEST(Yaml, WhatIsRefused) {
  EXPECT_EQ(error("a: 1\na: 2"), "c.yaml: line 2: a: key stands more than once in its mapping");
  EXPECT_EQ(error("a: 1\n\n b: 2\nc"), "c.yaml: line 4: expected KEY: VALUE, found other text");
  EXPECT_EQ(
      error("a:\n  b: 1\n c: 2"),
      "c.yaml: line 3: expected a key of the mapping above, found another indentation or a list");
  EXPECT_EQ(
      error("  a: 1\nb: 2"),
      "c.yaml: line 2: expected a key of the mapping above, found another indentation or a list");
  EXPECT_EQ(
      error("- a\n- b"),
      "c.yaml: line 1: expected a key of the mapping above, found another indentation or a list");
  EXPECT_EQ(error("a:\n\tb: 1"),
            "c.yaml: line 2: expected text indented by blanks, found a tab or a NUL");
  EXPECT_EQ(error("a: 1\n---\nb: 2"), "c.yaml: line 2: expected one document, found the end of it");
  EXPECT_EQ(error("<<: *a"),
            "c.yaml: line 1: expected a key of reasonable length, found none or a merge");
  EXPECT_EQ(error(": 1"),
            "c.yaml: line 1: expected a key of reasonable length, found none or a merge");
  EXPECT_EQ(error("a: 'b"), "c.yaml: line 1: expected a closing quote, found none");
  EXPECT_EQ(error("'a"), "c.yaml: line 1: expected KEY: VALUE, found other text");
  EXPECT_EQ(error(std::string((1 << 20) + 1, ' ')),
            "c.yaml: expected at most 1048576 bytes, found 1048577");
  std::string deep;
  for (int i = 0; i != 65; ++i)
    deep += std::string(size_t(i), ' ') + "k:\n";
  EXPECT_EQ(error(deep), "c.yaml: line 64: expected at most 64 levels, found more");
  EXPECT_EQ(error(""), "");
}
