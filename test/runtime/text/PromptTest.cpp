//===- PromptTest.cpp - how a text begins ---------------------------------===//

#include "runtime/text/Prompt.h"

#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "test/runtime/TestPackage.h"

namespace strata::test {
namespace {

using Ids = std::vector<int32_t>;

/// The tokens of a text for a model with this BOS (-1: none), before every text or not.
absl::StatusOr<Ids> encode(int32_t bos, bool always, const std::string &text) {
  static const auto tokenizer =
      SentencePieceTokenizer::load(readFile(STRATA_DEMO_MODEL "/tokenizer.model", 1 << 20).value(),
                                   "model")
          .value();
  package::ModelT facts;
  facts.bos_token = bos;
  facts.add_bos = always;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(package::Model::Pack(builder, &facts));
  return encodePrompt(tokenizer, *flatbuffers::GetRoot<package::Model>(builder.GetBufferPointer()),
                      text);
}

TEST(Prompt, BeginsWithBosIfTheModelWantsIt) {
  const Ids plain = *encode(2, false, "In the beginning");
  Ids withBos = plain;
  withBos.insert(withBos.begin(), 2);
  EXPECT_EQ(*encode(2, true, "In the beginning"), withBos);
  EXPECT_EQ(*encode(-1, false, "In the beginning"), plain);
}

TEST(Prompt, IsNeverEmpty) {
  EXPECT_EQ(*encode(2, false, ""), Ids{2});
  EXPECT_TRUE(
      says(encode(-1, false, "").status(), "prompt: expected at least 1 token, found none"));
}

} // namespace
} // namespace strata::test
