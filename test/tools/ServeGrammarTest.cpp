//===- ServeGrammarTest.cpp - structured output, as clients see it --------===//

#include "runtime/engine/LogProbs.h"
#include "test/tools/ServeFixture.h"

namespace strata::test {
namespace {

using ServeGrammarTest = ServeFixture;

constexpr char kPath[] = "/v1/completions";

struct Answered {
  std::string text, reason;
};

/// The choices of a completion with these fields beside the prompt.
std::vector<Answered> choicesOf(const HttpAnswer &answer, const char *inner = nullptr) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  std::vector<Answered> all;
  const auto document = JsonDocument::parse(answer.body, "answer");
  if (!document.ok())
    return all;
  const auto choices = document->object()->array("choices").value();
  for (const JsonValue &choice : choices) {
    const JsonObject object = choice.object().value();
    const JsonObject holder = inner ? object.object(inner).value() : object;
    all.push_back({std::string(holder.string(inner ? "content" : "text").value()),
                   std::string(object.string("finish_reason").value())});
  }
  return all;
}

/// Every field that names a grammar does the same.
TEST_F(ServeGrammarTest, EveryFieldIsFollowed) {
  for (const char *field : {
           R"("guided_regex": "yes|no")",
           R"("guided_choice": ["yes", "no"])",
           R"("guided_grammar": "root ::= \"yes\" | \"no\"")",
           R"("grammar": "root ::= \"yes\" | n\nn ::= [n] [o]")",
           R"("structured_outputs": {"regex": "yes|no"})",
           R"("structured_outputs": {"choice": ["yes", "no"], "json": null})",
           R"("structured_outputs": {"grammar": "root ::= \"yes\" | \"no\""})",
       })
    for (const auto &[text, reason] :
         choicesOf(post(kPath, std::string(R"({"prompt": [7, 8], "n": 3, "max_tokens": 20, )") +
                                   field + "}"))) {
      EXPECT_TRUE(text == "yes" || text == "no") << field << " " << text;
      EXPECT_EQ(reason, "stop");
    }
  for (const char *field :
       {R"("guided_json": {"enum": [true, 12]})", R"("guided_json": "{\"enum\": [true, 12]}")",
        R"("json_schema": {"enum": [true, 12]})",
        R"("structured_outputs": {"json": {"enum": [true, 12]}})",
        R"("response_format": {"type": "json_schema", "json_schema":
                               {"name": "n", "strict": true, "schema": {"enum": [true, 12]}}})",
        R"("response_format": {"type": "json_schema",
                               "schema": {"enum": [true, 12]}})"})
    for (const auto &[text, reason] : choicesOf(post(
             kPath, std::string(R"({"prompt": [7, 8], "n": 3, "max_tokens": 20, )") + field + "}")))
      EXPECT_TRUE(text == "true" || text == "12") << field << " " << text;
}

TEST_F(ServeGrammarTest, ConversationsFollowASchema) {
  const auto choices = choicesOf(post("/v1/chat/completions", R"({"messages":
    [{"role": "user", "content": "In"}], "n": 8, "response_format": {"type": "json_schema",
    "json_schema": {"name": "answer", "schema": {"type": "object", "properties":
    {"a": {"type": "boolean"}, "b": {"type": "integer", "maximum": 99, "minimum": 0}},
    "required": ["b", "a"]}}}})"),
                                 "message");
  int whole = 0;
  for (const auto &[text, reason] : choices) {
    if (reason != "stop")
      continue; // the context was full of gaps
    ++whole;
    const auto document = JsonDocument::parse(text, "text");
    ASSERT_TRUE(document.ok()) << text;
    EXPECT_TRUE(document->object()->boolean("a").ok()) << text;
    EXPECT_TRUE(document->object()->integer("b", {0, 99}).ok()) << text;
    EXPECT_LT(text.find("\"a\""), text.find("\"b\"")) << text;
  }
  EXPECT_GT(whole, 0);
}

TEST_F(ServeGrammarTest, AnyObjectBeginsWithABrace) {
  for (const char *format : {R"("response_format": {"type": "json_object"})",
                             R"("structured_outputs": {"json_object": true})"})
    for (const auto &[text, reason] :
         choicesOf(post(kPath, std::string(R"({"prompt": [7], "max_tokens": 4, )") + format + "}")))
      EXPECT_TRUE(text.starts_with("{")) << text;
}

/// The text of a stream is the one that comes at once, and a stop text ends it as ever.
TEST_F(ServeGrammarTest, StreamsAndStopTexts) {
  const std::string body =
      R"({"prompt": [7, 8], "max_tokens": 40, "seed": 5, "guided_regex": "[a-d]{30}")";
  const auto whole = choicesOf(post(kPath, body + "}"));
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].text.size(), 30u);
  std::string streamed;
  const HttpAnswer events = post(kPath, body + R"(, "stream": true})");
  for (size_t at = 0; (at = events.body.find("data: {", at)) != std::string::npos; ++at) {
    const size_t end = events.body.find("\n\n", at);
    const auto chunk = JsonDocument::parse(events.body.substr(at + 6, end - at - 6), "c").value();
    const auto choices = chunk.object()->array("choices").value();
    streamed += choices.at(0).object()->string("text").value();
  }
  EXPECT_EQ(streamed, whole[0].text);
  const std::string stop = whole[0].text.substr(10, 3);
  const auto stopped = choicesOf(post(kPath, body + R"(, "stop": ")" + stop + "\"}"));
  EXPECT_EQ(stopped.at(0).text, whole[0].text.substr(0, whole[0].text.find(stop)));
}

/// What is told is how likely the model found the token, not the grammar.
TEST_F(ServeGrammarTest, LogProbabilitiesAreTheModels) {
  const HttpAnswer answer = post(kPath, R"({"prompt": [7, 8], "max_tokens": 1, "temperature": 0,
    "logprobs": 0, "guided_regex": "[a-d]{30}"})");
  const auto document = JsonDocument::parse(answer.body, "answer").value();
  const auto choices = document.object()->array("choices").value();
  const JsonObject scores = choices.at(0).object()->object("logprobs").value();
  const auto told = scores.array("token_logprobs")->at(0).number().value();
  const auto row = model.rowsAfter({7, 8}).back();
  int32_t best = -1;
  for (int32_t token = 0; token < tokenizer().vocabularySize(); ++token) {
    const std::string text = tokenizer().isControl(token) ? "" : tokenizer().pieceBytes(token);
    if (!text.empty() && text.find_first_not_of("abcd") == std::string::npos &&
        (best < 0 || row[size_t(token)] > row[size_t(best)]))
      best = token;
  }
  EXPECT_EQ(told, scoreToken(row, best, 0)->token.logProb);
}

/// As many tokens as are wanted at least, as long as the grammar goes on.
TEST_F(ServeGrammarTest, LeastTokens) {
  const std::string body = R"({"prompt": [7, 8], "max_tokens": 30, "min_tokens": 12, )";
  EXPECT_EQ(choicesOf(post(kPath, body + R"("guided_choice": ["yes"]})")).at(0).text, "yes");
  const auto longer = choicesOf(post(kPath, body + R"("guided_regex": "[\\u4e00-\\u4e0f]*"})"));
  EXPECT_GE(longer.at(0).text.size(), 12u); // each byte is a token
}

/// Requests with the same grammar and without one, at the same time.
TEST_F(ServeGrammarTest, OthersAreNotTouched) {
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i)
    clients.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        if (i % 2 == 0)
          EXPECT_EQ(choicesOf(post(kPath, R"({"prompt": [1, 2, 3], "temperature": 0})")).at(0).text,
                    textAfter({1, 2, 3}, 16));
        else
          EXPECT_EQ(choicesOf(post(kPath, R"({"prompt": [9], "guided_regex": "x{9}",
            "max_tokens": 12, "seed": )" + std::to_string(i * round) +
                                              "}"))
                        .at(0)
                        .text,
                    "xxxxxxxxx");
      }
    });
  for (std::thread &client : clients)
    client.join();
}

TEST_F(ServeGrammarTest, NamesWhatIsWrong) {
  const auto wrong = [&](const std::string &fields) {
    return refusal(400, kPath, R"({"prompt": [1], )" + fields + "}");
  };
  EXPECT_EQ(wrong(R"("response_format": {"type": "xml"})"),
            "body: response_format.type: expected text, json_object or json_schema, found \"xml\"");
  EXPECT_EQ(wrong(R"("response_format": {"type": "json_schema"})"),
            "body: response_format.json_schema: expected an object with a schema, found none");
  EXPECT_EQ(wrong(R"("response_format": {"type": "json_schema", "json_schema": {"name": "n",
    "schema": {"type": "object", "properties": {"a": {"uniqueItems": true}}}}})"),
            "response_format.json_schema.schema: properties.a.uniqueItems: is not supported");
  EXPECT_EQ(wrong(R"("guided_regex": "a(")"),
            "guided_regex: line 1, column 3: expected \")\", found the end");
  EXPECT_EQ(wrong(R"("grammar": "root ::= x")"),
            "grammar: rule x is called, but there is no such rule");
  EXPECT_EQ(wrong(R"("guided_choice": [])"), "guided_choice: expected at least 1 text, found none");
  EXPECT_EQ(wrong(R"("guided_regex": "a", "guided_choice": ["a"])"),
            "guided_choice: expected at most one grammar, found guided_regex, too");
  EXPECT_EQ(wrong(R"("structured_outputs": {"structural_tag": "a"})"),
            "body: structured_outputs.structural_tag: is not supported");
  EXPECT_EQ(wrong(R"("guided_json": "{")"),
            "guided_json: schema: " +
                std::string(JsonDocument::parse("{", "schema").status().message().substr(8)));
  EXPECT_EQ(wrong(R"("guided_regex": "a", "ignore_eos": true)"),
            "ignore_eos: is not supported beside a grammar");
  EXPECT_EQ(wrong(R"("guided_regex": "((a?b){1,60000}c){1,60000}")"),
            "guided_regex: expected an automaton of at most 131072 states and 1048576 edges, found "
            "more");
}

} // namespace
} // namespace strata::test
