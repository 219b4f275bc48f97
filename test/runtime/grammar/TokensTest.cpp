//===- TokensTest.cpp - which tokens may follow ---------------------------===//

#include "runtime/grammar/Gbnf.h"
#include "runtime/grammar/Regex.h"
#include "test/runtime/grammar/GrammarTesting.h"

#include <cmath>
#include <limits>

namespace strata::grammar {
namespace {

/// By the definition, one token after the other.
void checkTokens(CompiledGrammar &grammar, CompiledGrammar::Place place) {
  const auto allowed = grammar.tokensAfter(place).value();
  for (int32_t token = 0; size_t(token) < demoVocabulary()->size(); ++token) {
    const std::string &text = demoVocabulary()->text(token);
    const bool follows = !text.empty() && grammar.after(place, text).value() != 0;
    ASSERT_EQ(allowed->contains(token), follows) << token << " \"" << text << "\" at " << place;
  }
}

TEST(Tokens, AreThoseWhoseBytesMayFollow) {
  std::mt19937_64 random(1);
  for (const char *text :
       {R"(root ::= "{" pair ("," pair)* "}"
           pair ::= "\"" ([^"\\\n] | "\\" ["\\n])* "\":" ([0-9]+ | root))",
        R"(root ::= [^a-e]{3,20} "." | "the " .{0,12})", "root ::= [\u0400-\u04ff é]* \"!\"",
        R"(root ::= ("a" | "b"? "cd")* ([^x]{2} "x"){1,3})", R"(root ::= .* "end" .*)"}) {
    const auto grammar = compiled(parseGbnf(text));
    for (int i = 0; i < 10; ++i) {
      const std::string written = randomText(grammar, random, 60, checkTokens);
      EXPECT_TRUE(Matcher(grammar).push(written).ok()) << written;
    }
  }
}

TEST(Tokens, BytesOfCharactersMayStandAlone) {
  const auto grammar = compiled(parseGbnf("root ::= [\u4e00-\u4eff]{2}"));
  const auto tokenizer = demoVocabulary();
  CompiledGrammar::Place place = grammar->start();
  for (char byte : std::string("\u4e2d\u4e01")) {
    const auto allowed = grammar->tokensAfter(place).value();
    int32_t token = 0;
    while (tokenizer->text(token) != std::string(1, byte))
      ++token;
    EXPECT_TRUE(allowed->contains(token));
    EXPECT_FALSE(grammar->mayEnd(place));
    place = grammar->after(place, tokenizer->text(token)).value();
  }
  EXPECT_TRUE(grammar->mayEnd(place));
  EXPECT_FALSE(grammar->mayGoOn(place));
  EXPECT_TRUE(grammar->tokensAfter(place).value()->empty());
}

TEST(Tokens, AllowedOnesAreThoseThatMayFollow) {
  const Matcher matcher(compiled(parseRegex("(a|b)?")));
  const auto size = int32_t(demoVocabulary()->size());
  const std::vector<int32_t> ends = {2, size + 70}; // a model may have more tokens
  const auto allowed = matcher.allowed(ends);
  ASSERT_TRUE(allowed.ok()) << allowed.status();
  for (int32_t token = 0; token < size + 100; ++token) {
    const std::string text = token < size ? demoVocabulary()->text(token) : "";
    const bool may = text == "a" || text == "b" || token == 2 || token == size + 70;
    EXPECT_EQ(allowed->contains(token), may) << token;
  }
  EXPECT_FALSE(matcher.allowed(ends, false)->contains(2));
  Matcher done = matcher;
  ASSERT_TRUE(done.push("a").ok());
  EXPECT_TRUE(done.mustEnd());
  EXPECT_TRUE(done.allowed(ends).ok());
  EXPECT_EQ(done.allowed({}).status().message(),
            "the grammar allows no token of the vocabulary to follow the text");
  EXPECT_EQ(done.push("b").message(), "expected what the grammar allows, found \"b\"");
}

TEST(Tokens, BehindMoreOfThemAreThoseThatMayFollowAllOfThese) {
  const Matcher matcher(compiled(parseRegex("ab?c")));
  const std::vector<int32_t> ends = {2};
  const auto tokenOf = [](const char *text) {
    int32_t token = 3;
    while (demoVocabulary()->text(token) != text)
      ++token;
    return token;
  };
  const int32_t a = tokenOf("a"), b = tokenOf("b"), c = tokenOf("c");
  EXPECT_EQ(matcher.allowedBehind({}, ends)->words().size(), matcher.allowed(ends)->words().size());
  const std::vector<int32_t> some = {a, b}, all = {a, b, c}, wrong = {b};
  EXPECT_TRUE(matcher.allowedBehind(some, ends)->contains(c));
  EXPECT_FALSE(matcher.allowedBehind(some, ends)->contains(b));
  EXPECT_FALSE(matcher.allowedBehind(some, ends)->contains(2));
  EXPECT_TRUE(matcher.allowedBehind(all, ends)->contains(2));
  EXPECT_TRUE(matcher.allowedBehind(all, ends, false)->contains(2)) << "nothing else may follow";
  EXPECT_EQ(matcher.allowedBehind(wrong, ends).status().message(),
            "expected what the grammar allows, found \"b\"");
}

TEST(Tokens, OnesThatAreAskedForTwiceAreFoundOnce) {
  const auto grammar = compiled(parseRegex("[^q]{1000}"));
  const auto place = grammar->start();
  EXPECT_EQ(grammar->tokensAfter(place).value(), grammar->tokensAfter(place).value());
  const auto again = grammar->after(place, "a").value();
  EXPECT_NE(again, place);
}

} // namespace
} // namespace strata::grammar
