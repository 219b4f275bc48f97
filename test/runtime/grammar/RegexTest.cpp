//===- RegexTest.cpp - regular expressions --------------------------------===//

#include "runtime/grammar/Regex.h"

#include "test/runtime/grammar/GrammarTesting.h"

namespace strata::grammar {
namespace {

bool fits(std::string_view regex, std::string_view text) {
  return matches(compiled(parseRegex(regex)), text);
}

TEST(Regex, MatchesTheWholeText) {
  EXPECT_TRUE(fits("a|bc", "bc"));
  EXPECT_FALSE(fits("a|bc", "abc"));
  EXPECT_TRUE(fits("^(?:a|b)+?$", "abba"));
  EXPECT_TRUE(fits("(?<year>\\d{4})-(?P<month>\\d\\d)", "2024-05"));
  EXPECT_FALSE(fits("\\d{4}-\\d\\d", "2024-5"));
  EXPECT_TRUE(fits("", ""));
  EXPECT_FALSE(fits("", "a"));
  EXPECT_TRUE(fits("^a$|^b", "b"));
}

TEST(Regex, Classes) {
  EXPECT_TRUE(fits("[a-cx]{2}[^a-c][\\]\\-^]", "xbd-"));
  EXPECT_TRUE(fits("[\\w.]+@[\\w-]+\\.\\w{2,3}", "jane_doe.7@exam-ple.org"));
  EXPECT_TRUE(fits(".{3}", "a\u00e9\U0001F600"));
  EXPECT_FALSE(fits(".", "\n"));
  EXPECT_TRUE(fits("\\S\\s\\D\\W", "a\u00a0b-"));
  EXPECT_TRUE(fits("\\x41\\u00e9\\t\\.\\/", "A\u00e9\t./"));
  EXPECT_TRUE(fits("[-a]", "-"));
}

TEST(Regex, RefusesByName) {
  EXPECT_EQ(refusal(parseRegex("a(?=b)")), "line 1, column 5: (?=\u2026) is not supported");
  EXPECT_EQ(refusal(parseRegex("(?<!b)a")), "line 1, column 5: (?<!\u2026) is not supported");
  EXPECT_EQ(refusal(parseRegex("(?i)a")), "line 1, column 4: (?i\u2026) is not supported");
  EXPECT_EQ(refusal(parseRegex("\\bword")), "line 1, column 3: \\b is not supported");
  EXPECT_EQ(refusal(parseRegex("(a)\\1")), "line 1, column 6: \\1 is not supported");
  EXPECT_EQ(refusal(parseRegex("\\p{L}")), "line 1, column 3: \\p is not supported");
  EXPECT_EQ(refusal(parseRegex("a^b")), "line 1, column 2: ^ is only supported where the whole "
                                        "expression begins and ends");
  EXPECT_EQ(refusal(parseRegex("a$b")), "line 1, column 3: is not supported behind $");
  EXPECT_EQ(refusal(parseRegex("*a")),
            "line 1, column 1: expected something to repeat, found \"*\"");
  EXPECT_EQ(refusal(parseRegex("a**")),
            "line 1, column 3: expected no other repetition, found \"*\"");
  EXPECT_EQ(refusal(parseRegex("(a")), "line 1, column 3: expected \")\", found the end");
  EXPECT_EQ(refusal(parseRegex("a)")), "line 1, column 2: expected the end, found \")\"");
  EXPECT_EQ(refusal(parseRegex("[a")), "line 1, column 3: expected \"]\", found the end");
  EXPECT_EQ(refusal(parseRegex("[b-a]")), "line 1, column 5: expected a range whose last character "
                                          "is not before its first");
  EXPECT_EQ(refusal(parseRegex("a{x}")),
            "line 1, column 3: expected a number of repetitions, found \"x\"");
  EXPECT_EQ(refusal(parseRegex("(a{1,60000}b){1,60000}")),
            "expected an automaton of at most 131072 states and 1048576 edges, found more");
}

} // namespace
} // namespace strata::grammar
