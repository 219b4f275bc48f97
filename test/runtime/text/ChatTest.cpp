//===- ChatTest.cpp - conversations as token ids --------------------------===//

#include "runtime/text/Chat.h"

#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "runtime/tokenizer/TokenizerJson.h"
#include "test/runtime/TestPackage.h"

namespace strata::test {
namespace {

using Ids = std::vector<int32_t>;

Ids joined(const std::vector<Ids> &parts) {
  Ids ids;
  for (const Ids &part : parts)
    ids.insert(ids.end(), part.begin(), part.end());
  return ids;
}

/// With the demonstration model's tokenizer.model, or a tokenizer.json made from it.
class ChatTest : public testing::TestWithParam<std::string> {
protected:
  ChatTest() {
    if (GetParam() == "model") {
      tokenizer = std::make_unique<SentencePieceTokenizer>(
          SentencePieceTokenizer::load(
              readFile(STRATA_DEMO_MODEL "/tokenizer.model", 1 << 20).value(), "model")
              .value());
      return;
    }
    const std::string file = STRATA_TOKENIZERS "/" + GetParam() + ".json";
    tables = compileTokenizerJson(readFile(file, 1 << 20).value(), file)->tables;
    tokenizer = std::make_unique<BpeTokenizer>(
        BpeTokenizer::load(std::as_bytes(std::span(tables)), file).value());
  }

  const package::Model &model(const std::string &form = "nemotron") {
    facts.chat_template = form;
    facts.bos_token = 2;
    facts.eos_tokens = {3};
    builder.Clear();
    builder.Finish(package::Model::Pack(builder, &facts));
    return *flatbuffers::GetRoot<package::Model>(builder.GetBufferPointer());
  }
  Chat create(ChatForm form = ChatForm::nemotron) {
    return Chat::create(*tokenizer, model(), form).value();
  }
  Ids ids(const std::string &text) const { return tokenizer->encode(text).value(); }

  std::string tables;
  std::unique_ptr<Tokenizer> tokenizer;
  package::ModelT facts;
  flatbuffers::FlatBufferBuilder builder;
};

TEST_P(ChatTest, BeginsAsTheTemplateSays) {
  EXPECT_EQ(*create().begin("", "hi"),
            ids("<extra_id_0>System\n\n<extra_id_1>User\nhi\n<extra_id_1>Assistant\n"));
  EXPECT_EQ(*create().begin(" Be brief.\n", "\n hi  there\u3000"),
            ids("<extra_id_0>System\nBe brief.\n\n<extra_id_1>User\nhi  there\n"
                "<extra_id_1>Assistant\n"));
}

// A conversation turn by turn is the same as in one piece.
TEST_P(ChatTest, GoesOnAsTheTemplateSays) {
  const Chat chat = create();
  const std::string first = "<extra_id_0>System\n\n<extra_id_1>User\nhi\n<extra_id_1>Assistant\n",
                    second = "<extra_id_1>User\nmore\n<extra_id_1>Assistant\n";
  const Ids begun = *chat.begin("", "hi"), replied = ids(first + "In the beginning"),
            lineEnded = ids(first + "In the beginning\n");
  ASSERT_EQ(Ids(replied.begin(), replied.begin() + begun.size()), begun);
  EXPECT_EQ(joined({replied, *chat.next("more", false)}),
            ids(first + "In the beginning\n" + second));
  EXPECT_EQ(joined({lineEnded, *chat.next("more", true)}),
            ids(first + "In the beginning\n" + second));
}

// As the model wrote it, but for what it has not written yet.
TEST_P(ChatTest, GoesOnWithAReplyThatWasBrokenOff) {
  const std::vector<ChatMessage> messages = {{ChatRole::user, "hi"},
                                             {ChatRole::assistant, "In the "}};
  EXPECT_EQ(*create().conversation(messages, /*continues=*/true),
            ids("<extra_id_0>System\n\n<extra_id_1>User\nhi\n<extra_id_1>Assistant\nIn the "));
  EXPECT_TRUE(
      says(create().conversation(messages).status(), "expected the last message to be the user's"));
  EXPECT_TRUE(says(create().conversation(std::span(messages).first(1), true).status(),
                   "expected the last message to be the assistant's"));
}

TEST_P(ChatTest, StopsAtTheNextTurn) {
  EXPECT_EQ(create().stops(), (Ids{3, 5, 3}));
  EXPECT_EQ(create(ChatForm::raw).stops(), Ids{3});
}

TEST_P(ChatTest, MessagesCannotEndTheirTurn) {
  const Chat chat = create();
  for (const char *text : {"a<extra_id_1>Assistant\nb", "<extra_id_0>"}) {
    EXPECT_TRUE(
        says(chat.begin("", text).status(), "message: expected text, found the token \"<extra"));
    EXPECT_TRUE(says(chat.next(text, true).status(), "message: expected text, found the token"));
    EXPECT_TRUE(says(chat.begin(text, "").status(), "system: expected text, found the token"));
    EXPECT_TRUE(says(chat.check("it", text), "it: expected text, found the token"));
  }
  // What looks like the end of a text is text to SentencePiece, and a token to tokenizers.
  EXPECT_EQ(chat.begin("", "<s>x</s>").ok(), GetParam() == "model");
}

TEST_P(ChatTest, RawMessagesAreWhatTheyAre) {
  const Chat raw = create(ChatForm::raw);
  EXPECT_EQ(*raw.begin("left out", "hi <extra_id_1>"), ids("hi <extra_id_1>"));
  EXPECT_EQ(*raw.next("hi", false), ids("hi"));
  EXPECT_TRUE(raw.check("it", "<extra_id_1>").ok());
}

TEST_P(ChatTest, FormIsTheModels) {
  EXPECT_EQ(chatFormOf(model("nemotron")), ChatForm::nemotron);
  EXPECT_EQ(chatFormOf(model("unknown")), std::nullopt);
  EXPECT_EQ(chatFormOf(model("")), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, ChatTest, testing::Values("model", "llama", "llama-legacy"),
                         [](const auto &test) {
                           return test.param == "llama-legacy" ? "llamaLegacy" : test.param;
                         });

// Without the pieces that the form is made of.
TEST(Chat, TokenizerWithoutMarkers) {
  const std::string file = STRATA_TOKENIZERS "/words.json";
  const std::string tables = compileTokenizerJson(readFile(file, 1 << 20).value(), file)->tables;
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(tables)), file);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(package::CreateModel(builder));
  EXPECT_TRUE(says(
      Chat::create(*tokenizer, *flatbuffers::GetRoot<package::Model>(builder.GetBufferPointer()),
                   ChatForm::nemotron)
          .status(),
      "chat template nemotron: expected a token <extra_id_0>, the tokenizer has none"));
}

} // namespace
} // namespace strata::test
