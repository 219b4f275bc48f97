//===- PairsTest.cpp - contexts and continuations -------------------------===//

#include "tools/score/Pairs.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"

#include "test/runtime/TestPackage.h"

#include <optional>

namespace strata::test {
namespace {

TEST(ParsePair, TakesTheTwoFields) {
  auto pair = parsePair(R"({"continuation": " b\n", "context": "a"})", "p:1");
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_EQ(pair->context, "a");
  EXPECT_EQ(pair->continuation, " b\n");
}

TEST(ParsePair, NamesTheLine) {
  auto error = [](std::string_view line) { return parsePair(line, "p.jsonl:7").status(); };
  EXPECT_TRUE(says(error(R"({"context": "a")"), "p.jsonl:7: "));
  EXPECT_TRUE(says(error(""), "p.jsonl:7: "));
  EXPECT_TRUE(says(error("[]"), "p.jsonl:7: expected an object, found a list"));
  EXPECT_TRUE(says(error(R"({"context": "a"})"), "p.jsonl:7: continuation: "));
  EXPECT_TRUE(says(error(R"({"context": "a", "continuation": 3})"), "p.jsonl:7: continuation: "));
  EXPECT_TRUE(says(error(R"({"context": "a", "continuation": "b", "label": 1})"),
                   "p.jsonl:7: expected the fields context and continuation, found label"));
}

class EncodePair : public testing::Test {
protected:
  EncodePair() {
    auto loaded = SentencePieceTokenizer::load(contentsOf(STRATA_DEMO_MODEL "/tokenizer.model"),
                                               "tokenizer.model");
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    tokenizer.emplace(*std::move(loaded));
    model.bos_token = 2;
    model.eos_tokens = {3};
  }

  absl::StatusOr<EncodedPair> encode(const std::string &context, const std::string &continuation,
                                     bool addBos = false, size_t length = 100) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(package::Model::Pack(builder, &model));
    const auto *table = flatbuffers::GetRoot<package::Model>(builder.GetBufferPointer());
    return encodePair(*tokenizer, *table, {context, continuation}, addBos, length);
  }
  std::vector<int32_t> ids(const std::string &text) { return tokenizer->encode(text).value(); }
  static std::vector<int32_t> with(int32_t first, std::vector<int32_t> ids) {
    ids.insert(ids.begin(), first);
    return ids;
  }

  std::optional<SentencePieceTokenizer> tokenizer;
  package::ModelT model;
};

TEST_F(EncodePair, WholeTextThenContext) {
  auto pair = encode("In the beginning", " of the house");
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_EQ(pair->tokens, ids("In the beginning of the house"));
  EXPECT_EQ(pair->first, ids("In the beginning").size());
  EXPECT_EQ(pair->truncated, 0u);
}

TEST_F(EncodePair, SpacesGoToTheContinuation) {
  auto expected = encode("In the beginning", " of");
  for (const char *space : {" ", "\t\n ", "\u00a0", "\u3000\u2009"}) {
    auto pair = encode("In the beginning" + std::string(space), "of");
    ASSERT_TRUE(pair.ok()) << pair.status();
    EXPECT_EQ(pair->first, expected->first) << space;
    EXPECT_EQ(pair->tokens, ids("In the beginning" + std::string(space) + "of"));
  }
}

TEST_F(EncodePair, BeginsWithBos) {
  auto pair = encode("In the", " house", true);
  EXPECT_EQ(pair->tokens, with(2, ids("In the house")));
  EXPECT_EQ(pair->first, 1 + ids("In the").size());
}

TEST_F(EncodePair, WithoutContext) {
  EXPECT_EQ(encode("", "house")->tokens, with(2, ids("house")));
  EXPECT_EQ(encode("", "house")->first, 1u);
  EXPECT_EQ(encode("", "house", true)->tokens, with(2, ids("house"))) << "not twice";
  EXPECT_EQ(encode("  ", "house")->first, 1u);
  model.bos_token = -1;
  EXPECT_EQ(encode("", "house")->tokens, with(3, ids("house")));
  model.eos_tokens.clear();
  EXPECT_TRUE(says(encode("", "house").status(), "context: expected text, as the model has"));
}

TEST_F(EncodePair, DropsTheBeginningOfTheContext) {
  auto whole = encode("In the beginning of the", " house", true);
  auto cut = encode("In the beginning of the", " house", true, 4);
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_EQ(cut->tokens.size(), 5u) << "the last is not fed";
  EXPECT_EQ(cut->truncated, whole->tokens.size() - 5);
  EXPECT_EQ(cut->tokens.size() - cut->first, whole->tokens.size() - whole->first);
  EXPECT_TRUE(std::equal(cut->tokens.rbegin(), cut->tokens.rend(), whole->tokens.rbegin()));
}

TEST_F(EncodePair, ContinuationsThatCannotBeScored) {
  EXPECT_TRUE(
      says(encode("In the", "").status(), "continuation: expected at least 1 token, found none"));
  std::string text = " house of the house of the house";
  EXPECT_TRUE(says(encode("In", text, true, 4).status(),
                   "continuation: expected at most 4 tokens (the context), found "));
}

} // namespace
} // namespace strata::test
