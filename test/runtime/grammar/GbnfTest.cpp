//===- GbnfTest.cpp - grammars as llama.cpp writes them -------------------===//

#include "runtime/grammar/Gbnf.h"

#include "test/runtime/grammar/GrammarTesting.h"

namespace strata::grammar {
namespace {

std::shared_ptr<CompiledGrammar> gbnf(std::string_view text) { return compiled(parseGbnf(text)); }

TEST(Gbnf, TextsAndClasses) {
  const auto grammar = gbnf(R"(root ::= "a\n\"\x41\u00e9" [b-d\]] [^x-z] .)");
  EXPECT_TRUE(matches(grammar, "a\n\"A\u00e9b"
                               "1"
                               "\u4e2d"));
  EXPECT_TRUE(matches(grammar, "a\n\"A\u00e9]"
                               "\U0001F600"
                               "\n"));
  EXPECT_FALSE(matches(grammar, "a\n\"A\u00e9b"
                                "y"
                                "1"));
  EXPECT_FALSE(matches(grammar, "a\n\"A\u00e9b"
                                "1"));
  EXPECT_FALSE(matches(grammar, "a\n\"A\u00e9b"
                                "1"
                                "\xE4\xB8")); // half a character
}

TEST(Gbnf, RepetitionsCount) {
  const auto grammar = gbnf(R"(root ::= "a"{2,4} ("bc"){2} "d"* "e"+ "f"? [0-9]{3,})");
  EXPECT_TRUE(matches(grammar, "aabcbce123"));
  EXPECT_TRUE(matches(grammar, "aaaabcbcdddeeef1234567"));
  EXPECT_FALSE(matches(grammar, "abcbce123"));
  EXPECT_FALSE(matches(grammar, "aaaaabcbce123"));
  EXPECT_FALSE(matches(grammar, "aabce123"));
  EXPECT_FALSE(matches(grammar, "aabcbc123"));
  EXPECT_FALSE(matches(grammar, "aabcbce12"));
  const auto many = gbnf(R"(root ::= [a-zé]{65536})"); // a counter, not as many states
  EXPECT_TRUE(matches(many, std::string(65536, 'x')));
  EXPECT_FALSE(matches(many, std::string(65535, 'x')));
  EXPECT_TRUE(matches(gbnf(R"(root ::= ("a" | "bc" | .){2,3})"), "bca"));
}

/// Rules call each other, newlines end them but in groups and behind |, and # begins a comment.
TEST(Gbnf, RulesNest) {
  const auto grammar = gbnf(R"gbnf(# sums
root ::= term ( # of terms
  [+*] term
)* |
  "none"
term ::= "(" root ")" | number

number ::= [0-9] number | [0-9]
)gbnf");
  EXPECT_TRUE(matches(grammar, "1+(22*(3+4))*5"));
  EXPECT_TRUE(matches(grammar, "(none)"));
  EXPECT_FALSE(matches(grammar, "1+(22*(3+4)"));
  EXPECT_FALSE(matches(grammar, "1+"));
  std::string deep;
  for (int i = 0; i < 1000; ++i)
    deep += "(";
  EXPECT_TRUE(matches(grammar, deep + "7" + std::string(1000, ')')));
}

TEST(Gbnf, EmptyAlternatives) {
  const auto grammar = gbnf("root ::= \"a\" space \"b\"\nspace ::= | \" \" space");
  EXPECT_TRUE(matches(grammar, "ab"));
  EXPECT_TRUE(matches(grammar, "a    b"));
}

TEST(Gbnf, TellsWhereItIsWrong) {
  EXPECT_EQ(refusal(parseGbnf("root ::= \"a")), "line 1, column 12: expected '\"', found the end");
  EXPECT_EQ(refusal(parseGbnf("root ::= ([a")), "line 1, column 13: expected \"]\", found the end");
  EXPECT_EQ(refusal(parseGbnf("root ::= [z-a]")), "line 1, column 14: expected a range whose last "
                                                  "character is not before its first");
  EXPECT_EQ(refusal(parseGbnf("root ::= \"\\q\"")),
            "line 1, column 13: expected one of \\x \\u \\U \\n \\r \\t \\\\ \\\" \\[ \\] \\-");
  EXPECT_EQ(refusal(parseGbnf("root ::= \"\\ud800\"")),
            "line 1, column 17: expected the number of a character, found another");
  EXPECT_EQ(refusal(parseGbnf("root ::= (\"a\"")),
            "line 1, column 14: expected \")\", found the end");
  EXPECT_EQ(refusal(parseGbnf("root = \"a\"")), "line 1, column 6: expected \"::=\", found \"=\"");
  EXPECT_EQ(refusal(parseGbnf("root ::= a)")),
            "line 1, column 11: expected the end of the rule, found \")\"");
  EXPECT_EQ(refusal(parseGbnf("root ::= <think>")), "line 1, column 10: tokens are not supported");
  EXPECT_EQ(refusal(parseGbnf("root ::= *")),
            "line 1, column 10: expected a text, a class, a group or a rule's name, found \"*\"");
  EXPECT_EQ(refusal(parseGbnf("\nroot ::= a")), "rule a is called, but there is no such rule");
  EXPECT_EQ(refusal(parseGbnf("a ::= \"b\"")), "expected a rule root, found none");
  EXPECT_EQ(refusal(parseGbnf("root ::= \"a\"\nroot ::= \"b\"")),
            "line 2, column 5: rule root is defined twice");
  EXPECT_EQ(refusal(parseGbnf("root ::= \"a\"{3,2}")),
            "line 1, column 18: expected at least 3 repetitions at most, found 2");
  EXPECT_EQ(refusal(parseGbnf("\xFF")), "expected UTF-8, found other bytes");
}

TEST(Gbnf, RefusesWhatHasNoEnd) {
  EXPECT_EQ(refusal(parseGbnf("root ::= sum\nsum ::= sum \"+\" | \"1\"")),
            "rule sum calls itself before any character (left recursion)");
  EXPECT_EQ(refusal(parseGbnf("root ::= \" \"* a\na ::= \"-\"? b\nb ::= a \"x\" | \"y\"")),
            "rule a calls itself before any character (left recursion)");
  EXPECT_EQ(refusal(parseGbnf("root ::= \"a\" root")), "no text matches");
}

TEST(Gbnf, LimitsAreNamed) {
  EXPECT_EQ(refusal(parseGbnf("root ::= \"a\"{1,100000}")),
            "line 1, column 22: expected at most 65536 repetitions, found more");
  EXPECT_EQ(refusal(parseGbnf("root ::= ((\"a\"? \"b\"){1,10000}){1,10000}")),
            "expected an automaton of at most 131072 states and 1048576 edges, found more");
  EXPECT_EQ(refusal(parseGbnf("root ::= " + std::string(100, '('))),
            "line 1, column 75: expected groups at most 64 deep");
  EXPECT_EQ(refusal(parseGbnf(std::string(300000, '\n'))),
            "expected at most 262144 bytes, found 300000");
  // Twice as many ways after each rule.
  std::string ways = "root ::= r0\n";
  for (int i = 0; i < 20; ++i)
    ways += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + " \"x\" | r" +
            std::to_string(i + 1) + " \"y\"\n";
  EXPECT_EQ(refusal(parseGbnf(ways + "r20 ::= \"a\"")),
            "expected a grammar that leaves at most 2048 ways open, found more");
}

} // namespace
} // namespace strata::grammar
