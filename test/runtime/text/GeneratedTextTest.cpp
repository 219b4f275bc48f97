//===- GeneratedTextTest.cpp - texts that a model goes on with ------------===//

#include "runtime/text/GeneratedText.h"

#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "test/runtime/TestPackage.h"

namespace strata::test {
namespace {

using Ids = std::vector<int32_t>;

constexpr char kBad[] = "\xEF\xBF\xBD"; // U+FFFD

/// The demonstration model's tokenizer, which spells rare characters in bytes.
const Tokenizer &tokenizer() {
  static const auto loaded = SentencePieceTokenizer::load(
      readFile(STRATA_DEMO_MODEL "/tokenizer.model", 1 << 20).value(), "model");
  return *loaded;
}
Ids ids(const std::string &text) { return tokenizer().encode(text).value(); }
int32_t id(const char *piece) { return tokenizer().idOf(piece).value(); }
Ids toIds(std::span<const int32_t> tokens) { return {tokens.begin(), tokens.end()}; }

/// A text of at most 100 tokens that "</s>" ends, or `rules`, after a prompt that was run.
GeneratedText begun(int64_t most, StopRules rules = {{id("</s>")}}) {
  GeneratedText text(tokenizer(), 100, std::move(rules));
  EXPECT_TRUE(text.begin(ids("In the"), most).ok());
  text.markSeen(int64_t(text.pending().size()));
  return text;
}

/// What comes of tokens, as a model would make one after the other.
std::vector<std::string> pushed(GeneratedText &text, const Ids &tokens) {
  std::vector<std::string> parts;
  for (int32_t token : tokens) {
    parts.push_back(text.push(token));
    text.markSeen(1);
  }
  return parts;
}

// As a scheduler does it: a prompt in parts, then token by token.
TEST(GeneratedText, SaysWhatTheModelHasToSee) {
  GeneratedText text(tokenizer(), 100, {});
  EXPECT_TRUE(text.pending().empty());
  ASSERT_TRUE(text.begin(Ids{7, 8, 9}, 5).ok());
  EXPECT_EQ(toIds(text.pending()), (Ids{7, 8, 9}));
  text.markSeen(2);
  EXPECT_EQ(toIds(text.pending()), Ids{9});
  text.markSeen(1);
  EXPECT_TRUE(text.pending().empty());
  text.push(10);
  EXPECT_EQ(toIds(text.pending()), Ids{10});
  EXPECT_EQ(toIds(text.tokens()), (Ids{7, 8, 9, 10}));
  EXPECT_EQ(text.seen(), 3);
  EXPECT_EQ(text.length(), 4);
  EXPECT_EQ(text.room(), 96);
  text.markSeen(99); // no more than are pending
  EXPECT_EQ(text.seen(), 4);
}

TEST(GeneratedText, SpellsTokensAsTheyCome) {
  GeneratedText text = begun(50);
  std::string whole;
  for (const std::string &part : pushed(text, ids("beginning God created")))
    whole += part;
  EXPECT_EQ(whole, " beginning God created"); // it goes on where the prompt ended
  EXPECT_EQ(text.finished(), std::nullopt);
}

TEST(GeneratedText, GivesWholeCharacters) {
  GeneratedText text = begun(50);
  EXPECT_EQ(pushed(text, {id("<0xF0>"), id("<0x9F>"), id("<0x98>"), id("<0x80>")}),
            (std::vector<std::string>{"", "", "", "\xF0\x9F\x98\x80"}));
  EXPECT_EQ(pushed(text, {id("<0xC3>"), id("<0xC3>"), id("<0xA9>")}),
            (std::vector<std::string>{"", kBad, "\xC3\xA9"}));
}

// Whatever ends a text in the middle of a character.
TEST(GeneratedText, EndsWithWholeCharacters) {
  const int32_t half = id("<0xC3>"), stop = id("</s>");
  GeneratedText stopped = begun(50), full = begun(1), cancelled = begun(50);
  EXPECT_EQ(pushed(stopped, {half, stop}), (std::vector<std::string>{"", kBad}));
  EXPECT_EQ(pushed(full, {half}), std::vector<std::string>{kBad});
  EXPECT_EQ(pushed(cancelled, {half}), std::vector<std::string>{""});
  EXPECT_EQ(cancelled.end(FinishReason::cancelled), kBad);
}

TEST(GeneratedText, StopsAtATokenThatEndsIt) {
  GeneratedText text = begun(50);
  const int64_t before = text.length();
  EXPECT_EQ(pushed(text, {id("</s>")}), std::vector<std::string>{""});
  EXPECT_EQ(text.finished(), FinishReason::stop);
  EXPECT_EQ(text.length(), before + 1) << "the token is part of the text";
  EXPECT_EQ(text.end(FinishReason::cancelled), "");
  EXPECT_EQ(text.finished(), FinishReason::stop) << "what is finished cannot be cancelled";
}

// The next message of a conversation begins with such a token itself.
TEST(GeneratedText, CanLeaveTheTokenOut) {
  const int32_t turn = id("<extra_id_1>");
  GeneratedText text = begun(50, {{id("</s>"), turn}, false});
  const int64_t before = text.length();
  EXPECT_EQ(text.push(turn), "") << "its characters, too";
  EXPECT_EQ(text.finished(), FinishReason::stop);
  EXPECT_EQ(text.length(), before);
  EXPECT_TRUE(text.pending().empty());
}

TEST(GeneratedText, StopsAfterAsManyTokensAsWereAskedFor) {
  GeneratedText text = begun(2);
  text.push(ids("a")[0]);
  EXPECT_EQ(text.finished(), std::nullopt);
  text.push(ids("a")[0]);
  EXPECT_EQ(text.finished(), FinishReason::length);
  GeneratedText ended = begun(1);
  ended.push(id("</s>"));
  EXPECT_EQ(ended.finished(), FinishReason::stop) << "both at once";
}

TEST(GeneratedText, StopsAtTheEndOfTheContext) {
  GeneratedText text(tokenizer(), 4, {});
  EXPECT_TRUE(says(text.begin(Ids{7, 8, 9, 10}, 1),
                   "prompt: expected fewer tokens than the 4 left of the context, found 4"));
  ASSERT_TRUE(text.begin(Ids{7, 8}, 1000).ok());
  text.markSeen(2);
  pushed(text, {9});
  EXPECT_EQ(text.finished(), std::nullopt);
  text.push(10); // has no place in the context, but is not run either
  EXPECT_EQ(text.finished(), FinishReason::length);
  EXPECT_EQ(text.room(), 0);
  EXPECT_TRUE(says(text.begin({}, 1), "prompt: expected fewer tokens than the 0 left"));
}

TEST(GeneratedText, PromptsThatCannotBeRunChangeNothing) {
  GeneratedText text(tokenizer(), 100, {});
  EXPECT_TRUE(says(text.begin({}, 1), "prompt: expected at least 1 token, found none"));
  EXPECT_TRUE(says(text.begin(Ids{7}, 0), "tokens to generate: expected at least 1, found 0"));
  EXPECT_EQ(text.length(), 0);
}

// The last token of a reply has not been seen when the next prompt comes.
TEST(GeneratedText, GoesOnWithAnotherPrompt) {
  GeneratedText text = begun(2);
  const int64_t before = text.length();
  text.push(11);
  text.markSeen(1);
  text.push(12);
  ASSERT_EQ(text.finished(), FinishReason::length);
  ASSERT_TRUE(text.begin(Ids{13, 14}, 3).ok());
  EXPECT_EQ(toIds(text.pending()), (Ids{12, 13, 14}));
  EXPECT_EQ(text.length(), before + 4);
  EXPECT_EQ(text.finished(), std::nullopt);
}

TEST(GeneratedText, CopiesTakePromptsBack) {
  GeneratedText text = begun(1);
  text.push(id("<0x0A>"));
  const GeneratedText before = text;
  ASSERT_TRUE(text.begin(Ids{13, 14}, 3).ok());
  text.markSeen(2);
  text = before;
  EXPECT_EQ(toIds(text.pending()), Ids{id("<0x0A>")});
  EXPECT_EQ(text.finished(), FinishReason::length);
  EXPECT_TRUE(text.endsLine());
}

TEST(GeneratedText, KnowsWhetherALineEnded) {
  GeneratedText text = begun(50);
  EXPECT_FALSE(text.endsLine());
  text.push(id("<0x0A>"));
  EXPECT_TRUE(text.endsLine());
  text.push(id("</s>"));
  EXPECT_TRUE(text.endsLine()) << "no characters came";
  GeneratedText more = begun(50);
  pushed(more, {id("<0x0A>"), ids("a")[0]});
  EXPECT_FALSE(more.endsLine());
  ASSERT_TRUE(text.begin(Ids{7}, 1).ok());
  EXPECT_FALSE(text.endsLine()) << "another reply";
}

} // namespace
} // namespace strata::test
