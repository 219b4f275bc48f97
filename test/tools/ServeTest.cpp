//===- ServeTest.cpp - the contract of strata-serve -----------------------===//
//
// The server with a model that is a hash, or small and compiled for a device (ContractModel.h), and
// clients that look at every byte.
//
//===----------------------------------------------------------------------===//

#include "runtime/drafts/NgramDrafter.h"
#include "test/tools/ServeFixture.h"

#include <atomic>

namespace strata::test {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<int32_t>;

using ServeTest = ServeFixture;

/// The only choice of an answer.
JsonObject onlyChoice(const JsonDocument &document) {
  const auto choices = document.object()->array("choices").value();
  EXPECT_EQ(choices.size(), 1u);
  return choices.at(0).object().value();
}

TEST_F(ServeTest, Completes) {
  const HttpAnswer answer =
      post("/v1/completions", R"({"model": "fake", "prompt": [1, 2, 3], "temperature": 0})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.headers.find("Content-Type: application/json"), std::string::npos);
  const auto document = JsonDocument::parse(answer.body, "answer").value();
  const JsonObject body = document.object().value();
  EXPECT_EQ(body.string("object").value(), "text_completion");
  EXPECT_EQ(body.string("model").value(), "fake");
  const JsonObject choice = onlyChoice(document);
  EXPECT_EQ(choice.string("text").value(), textAfter({1, 2, 3}, 16));
  EXPECT_EQ(choice.string("finish_reason").value(), "length");
  EXPECT_TRUE(choice.find("logprobs")->isNull());
  const JsonObject usage = body.object("usage").value();
  EXPECT_EQ(usage.integer("prompt_tokens").value(), 3);
  EXPECT_EQ(usage.integer("completion_tokens").value(), 16);
  EXPECT_EQ(usage.integer("total_tokens").value(), 19);
}

/// Of P prompt tokens and one that is generated there are P + 1 entries, the first of them null.
TEST_F(ServeTest, EchoesLogProbabilitiesAsHarnessesReadThem) {
  const HttpAnswer answer = post("/v1/completions", R"({"model": "m", "prompt": [[72, 81, 71]],
    "temperature": 0, "max_tokens": 1, "logprobs": 1, "seed": 1234, "echo": true})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto document = JsonDocument::parse(answer.body, "answer").value();
  const JsonObject scores = onlyChoice(document).object("logprobs").value();
  const auto own = scores.array("token_logprobs").value(),
             top = scores.array("top_logprobs").value();
  ASSERT_EQ(own.size(), 4u);
  ASSERT_EQ(top.size(), 4u);
  EXPECT_TRUE(own[0].isNull());
  EXPECT_TRUE(top[0].isNull());
  Ids tokens = {72, 81, 71};
  const auto rows = model.rowsAfter(tokens);
  tokens.push_back(model.textAfter(tokens, 1)[0]);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(own[i].number().value(), scoreToken(rows[i - 1], tokens[i], 1)->token.logProb) << i;
    EXPECT_FALSE(top[i].object()->members().empty());
  }
  // The likeliest token is the greedy one: the very same number.
  double largest = -1e9;
  const auto members = top[3].object()->members();
  for (const JsonMember &member : members)
    largest = std::max(largest, member.value.number().value());
  EXPECT_EQ(own[3].number().value(), largest);
}

TEST_F(ServeTest, ScoresAPromptAndGeneratesNothing) {
  const HttpAnswer answer =
      post("/v1/completions",
           R"({"prompt": [5, 6, 7, 8], "max_tokens": 0, "logprobs": 0, "echo": true})");
  const auto document = JsonDocument::parse(answer.body, "answer").value();
  const JsonObject choice = onlyChoice(document);
  EXPECT_EQ(choice.object("logprobs")->array("token_logprobs")->size(), 4u);
  EXPECT_EQ(choice.string("text").value(), tokenizer().decode(Ids{5, 6, 7, 8}).value());
}

TEST_F(ServeTest, ChoicesStandInTheOrderOfPrompts) {
  const HttpAnswer answer = post(
      "/v1/completions", R"({"prompt": [[1], [2, 3]], "n": 2, "temperature": 0, "max_tokens": 3})");
  const auto document = JsonDocument::parse(answer.body, "answer").value();
  const auto choices = document.object()->array("choices").value();
  ASSERT_EQ(choices.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    const JsonObject choice = choices[i].object().value();
    EXPECT_EQ(choice.integer("index").value(), int64_t(i));
    EXPECT_EQ(choice.string("text").value(), textAfter(i < 2 ? Ids{1} : Ids{2, 3}, 3));
  }
  EXPECT_EQ(document.object()->object("usage")->integer("prompt_tokens").value(), 3);
}

TEST_F(ServeTest, SeedsGiveTheSameTextAgainAndChoicesDiffer) {
  const std::string body = R"({"prompt": [1, 2], "n": 3, "seed": 7, "max_tokens": 8})";
  const auto texts = [&] {
    const auto document = JsonDocument::parse(post("/v1/completions", body).body, "answer").value();
    std::vector<std::string> all;
    const auto choices = document.object()->array("choices").value();
    for (const JsonValue &choice : choices)
      all.emplace_back(choice.object()->string("text").value());
    return all;
  };
  const auto first = texts();
  EXPECT_EQ(first, texts());
  EXPECT_NE(first.at(0), first.at(1));
}

/// Events: exactly "data: " and one JSON, "data: [DONE]" last; the finish reason in the last chunk.
TEST_F(ServeTest, Streams) {
  const HttpAnswer answer = post("/v1/completions", R"({"prompt": [4, 5], "temperature": 0,
    "max_tokens": 6, "stream": true, "stream_options": {"include_usage": true}})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.headers.find("Content-Type: text/event-stream"), std::string::npos);
  std::string text, last;
  std::vector<std::string> events;
  for (size_t begin = 0, end; (end = answer.body.find("\n\n", begin)) != std::string::npos;
       begin = end + 2)
    events.push_back(answer.body.substr(begin, end - begin));
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.back(), "data: [DONE]");
  events.pop_back();
  for (const std::string &event : events)
    ASSERT_TRUE(event.starts_with("data: {")) << event;
  const auto usage = JsonDocument::parse(events.back().substr(6), "usage").value();
  EXPECT_TRUE(usage.object()->array("choices")->empty());
  EXPECT_EQ(usage.object()->object("usage")->integer("completion_tokens").value(), 6);
  events.pop_back();
  for (const std::string &event : events) {
    const auto chunk = JsonDocument::parse(event.substr(6), "chunk").value();
    const JsonObject choice = onlyChoice(chunk);
    text += choice.string("text").value();
    last = choice.findNonNull("finish_reason") ? "end" : "";
    EXPECT_EQ(last == "end", &event == &events.back());
  }
  EXPECT_EQ(text, textAfter({4, 5}, 6));
}

TEST_F(ServeTest, Converses) {
  const std::string messages = R"("messages": [{"role": "user", "content":
    [{"type": "text", "text": "In the "}, {"type": "text", "text": "beginning"}]}])";
  const HttpAnswer answer =
      post("/v1/chat/completions",
           "{" + messages +
               R"(, "temperature": 0, "max_tokens": 4, "logprobs": true, "top_logprobs": 2})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto document = JsonDocument::parse(answer.body, "answer").value();
  EXPECT_EQ(document.object()->string("object").value(), "chat.completion");
  const JsonObject choice = onlyChoice(document), message = choice.object("message").value();
  EXPECT_EQ(message.string("role").value(), "assistant");
  EXPECT_EQ(message.string("content").value(),
            textAfter(tokenizer().encode("In the beginning").value(), 4));
  const auto scores = choice.object("logprobs")->array("content").value();
  ASSERT_EQ(scores.size(), 4u);
  EXPECT_EQ(scores[0].object()->array("top_logprobs")->size(), 2u);

  const HttpAnswer stream = post(
      "/v1/chat/completions", "{" + messages + R"(, "max_completion_tokens": 2, "stream": true})");
  const auto first =
      JsonDocument::parse(stream.body.substr(6, stream.body.find("\n\n") - 6), "chunk").value();
  EXPECT_EQ(first.object()->string("object").value(), "chat.completion.chunk");
  EXPECT_EQ(onlyChoice(first).object("delta")->string("role").value(), "assistant");
  EXPECT_EQ(stream.body.find("usage"), std::string::npos); // nobody asked for it
}

TEST_F(ServeTest, TellsOfTheModel) {
  EXPECT_EQ(get("/health").body, "{\"status\": \"ok\"}\n");
  const auto models = JsonDocument::parse(get("/v1/models").body, "models").value();
  const JsonObject only = models.object()->array("data")->at(0).object().value();
  EXPECT_EQ(only.string("id").value(), "fake");
  EXPECT_EQ(only.string("root").value(), "fake");
  EXPECT_EQ(only.integer("max_model_len").value(), kContext);
  EXPECT_NE(get("/tokenizer_info").body.find("\"eos_token\": \"</s>\""), std::string::npos);
  EXPECT_NE(get("/version").body.find("\"version\": \""), std::string::npos);
  EXPECT_NE(get("/metrics").body.find("strata:kv_cache_usage_perc{model_name=\"fake\"} 0\n"),
            std::string::npos);
}

/// By n-grams: the answers are those without.
TEST_F(ServeTest, GuessesAreCountedAndARequestMayGoWithout) {
  Setup setup;
  setup.scheduler.openDrafter = [] { return std::make_unique<NgramDrafter>(); };
  start(std::move(setup));
  const std::string body = R"("prompt": [5, 6, 7, 8, 5, 6], "max_tokens": 20, "temperature": 0)";
  EXPECT_EQ(post("/v1/completions", "{" + body + R"(, "speculative.n_max": 0})").status, 200);
  EXPECT_NE(get("/metrics")
                .body.find("strata:spec_decode_num_draft_tokens_total{"
                           "model_name=\"fake\"} 0\n"),
            std::string::npos);
  EXPECT_EQ(refusal(400, "/v1/completions", "{" + body + R"(, "speculative.n_max": -1})"),
            "body: speculative.n_max: expected an integer in [0, 1048576], found -1");
  // A text that repeats itself, by a bias that leaves one token.
  const HttpAnswer biased =
      post("/v1/completions", "{" + body + R"(, "ignore_eos": true, "logit_bias": {"9": 100}})");
  EXPECT_EQ(biased.status, 200) << biased.body;
  const std::string metrics = get("/metrics").body;
  EXPECT_EQ(metrics.find("strata:spec_decode_num_accepted_tokens_total{model_name=\"fake\"} 0\n"),
            std::string::npos)
      << metrics;
  for (const char *name : {"spec_decode_num_drafts_total{", "spec_decode_num_draft_tokens_total{",
                           "spec_decode_num_accepted_tokens_total{"})
    EXPECT_NE(metrics.find(std::string("strata:") + name), std::string::npos) << name;
  EXPECT_NE(metrics.find("strata:spec_decode_num_accepted_tokens_per_pos_total{"
                         "model_name=\"fake\",position=\"0\"} "),
            std::string::npos);
}

/// Clients ask so for the id of "</s>".
TEST_F(ServeTest, TokenizesSpecialStringsAsTheirIds) {
  const int32_t end = tokenizer().idOf("</s>").value();
  EXPECT_EQ(post("/tokenize", R"({"prompt": "</s>", "add_special_tokens": false})").body,
            "{\"count\": 1, \"max_model_len\": 64, \"tokens\": [" + std::to_string(end) + "]}\n");
  EXPECT_EQ(post("/detokenize", R"({"tokens": []})").body, "{\"prompt\": \"\"}\n");
  EXPECT_EQ(post("/detokenize", "{\"tokens\": [" + std::to_string(end) + "]}").body,
            "{\"prompt\": \"</s>\"}\n");
}

/// Clients find the field in an error of its own.
TEST_F(ServeTest, ErrorsHaveTheFieldAsParam) {
  const auto param = [&](const char *body) {
    const std::string answer = post("/v1/completions", body).body;
    const size_t begin = answer.find("\"param\": ") + 9;
    return answer.substr(begin, answer.find(", \"code\"") - begin);
  };
  EXPECT_EQ(param(R"({"prompt": [1], "top_p": 2})"), "\"top_p\"");
  EXPECT_EQ(param(R"({"prompt": [1], "temperature": "hot"})"), "\"temperature\"");
  EXPECT_EQ(param(R"({"prompt": [1], "guided_json": {"not": {}}})"), "\"guided_json\"");
  EXPECT_EQ(param("[1, 2"), "null");
}

TEST_F(ServeTest, ShowsTheModelByItsName) {
  const HttpAnswer answer = get("/v1/models/fake");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("\"id\": \"fake\", \"object\": \"model\""), std::string::npos)
      << answer.body;
  const HttpAnswer other = get("/v1/models/another");
  EXPECT_EQ(other.status, 404);
  EXPECT_NE(other.body.find("model: expected fake, found another"), std::string::npos);
}

TEST_F(ServeTest, NamesTheFieldThatIsWrong) {
  const std::string path = "/v1/completions";
  EXPECT_EQ(refusal(400, path, R"({"prompt": [1], "temperature": "hot"})"),
            "body: temperature: expected a number, found \"hot\"");
  EXPECT_EQ(refusal(400, path, R"({"prompt": [1], "top_p": 2})"),
            "top_p: expected a number in (0, 1], found 2");
  EXPECT_EQ(refusal(400, path, R"({"prompt": [1], "repetition_penalty": 1e-38})"),
            "repetition_penalty: expected a number in [0.001, 1000], found 1e-38");
  EXPECT_EQ(refusal(400, path, R"({"prompt": [5000]})"),
            "prompt: expected an integer in [0, 2047], found 5000");
  EXPECT_EQ(refusal(400, path, "{}"),
            "body: prompt: expected a text, token ids or a list of either, found none");
  EXPECT_EQ(refusal(400, path, R"({"prompt": [1], "suffix": "end"})"),
            "body: suffix: is not supported");
  EXPECT_EQ(refusal(400, "/v1/chat/completions", R"({"messages": [], "tools": [1]})"),
            "body: tools: is not supported");
  EXPECT_EQ(
      refusal(400, "/v1/chat/completions", R"({"messages": [{"role": "tool", "content": ""}]})"),
      "body: messages[0].role: expected system, user or assistant, found \"tool\"");
  refusal(400, path, "");
  refusal(400, path, "[1, 2");
  refusal(400, path, std::string(1000, '['));
  std::string prompts = "[1]";
  for (int i = 1; i < 100; ++i)
    prompts += ",[1]";
  EXPECT_EQ(refusal(400, path, "{\"prompt\": [" + prompts + "], \"n\": 3}"),
            "prompt: expected at most 256 texts of all prompts with n, found 300");
  refusal(404, "/v1/nothing", "{}");
  EXPECT_EQ(refusal(405, "/health", "{}"), "/health: expected GET, HEAD, OPTIONS, found POST");
}

/// An answer is made and kept as a whole: here some 130 MB.
TEST_F(ServeTest, SomeLogProbabilitiesAreTooMany) {
  serve::ServedModel large = served;
  large.context = 4096;
  std::string prompt = "[1";
  for (int i = 1; i < 4000; ++i)
    prompt += ",1";
  const auto parse = [&](int prompts) {
    std::string all = prompt + "]";
    for (int i = 1; i < prompts; ++i)
      all += "," + prompt + "]";
    return serve::parseCompletion(large,
                                  "{\"prompt\": [" + all + "], \"echo\": true, \"logprobs\": 20}")
        .status();
  };
  EXPECT_TRUE(parse(49).ok()) << parse(49);
  EXPECT_EQ(parse(50).message(),
            "logprobs: expected at most 4194304 of all prompts, found 4200000");
}

TEST_F(ServeTest, TellsWhichMethodsAPathHas) {
  const auto allowed = [&](const std::string &path) {
    const std::string headers = ask(server->port(), "OPTIONS", path).headers;
    const size_t begin = headers.find("Allow: ") + 7;
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
  };
  EXPECT_EQ(allowed("/health"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(allowed("/tokenize"), "POST, OPTIONS");
}

/// What clients send though it means nothing here.
TEST_F(ServeTest, TakesWhatClientsSend) {
  EXPECT_EQ(post("/v1/completions", R"({"prompt": ["In", "the"], "max_tokens": 1, "best_of": 1,
    "logprobs": null, "suffix": null, "repetition_penalty": 1.0, "ignore_eos": true, "user": "me",
    "top_k": -1, "stop": [], "stream_options": null, "response_format": {"type": "text"},
    "tool_choice": "none", "tools": null, "skip_special_tokens": true})")
                .status,
            200);
}

TEST_F(ServeTest, AsksForTheKey) {
  start({.key = "secret"});
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(get("/v1/models").status, 401);
  const auto with = [&](const std::string &key) {
    return ask(server->port(), "GET", "/v1/models", "", "Authorization: " + key + "\r\n").status;
  };
  EXPECT_EQ(with("Bearer secret"), 200);
  EXPECT_EQ(with("Bearer secre"), 401);
  EXPECT_EQ(with("Bearer "), 401);
  EXPECT_EQ(with("secret"), 401);
}

TEST_F(ServeTest, AnswersNoPageOfAnotherPlace) {
  const auto from = [&](const std::string &origin) {
    return ask(server->port(), "GET", "/v1/models", "", "Origin: " + origin + "\r\n").status;
  };
  EXPECT_EQ(from("http://localhost:3000"), 200);
  EXPECT_EQ(from("https://example.org"), 403);
  EXPECT_EQ(from("http://localhost.example.org"), 403);
  EXPECT_EQ(from("http://localhost:80.example.org"), 403);
}

TEST_F(ServeTest, GivesTheRequestsIdBack) {
  const HttpAnswer answer = ask(server->port(), "GET", "/health", "", "X-Request-Id: abc-1\r\n");
  EXPECT_NE(answer.headers.find("X-Request-Id: abc-1"), std::string::npos);
}

TEST_F(ServeTest, AClientThatGoesIsCancelled) {
  std::atomic<bool> slow = true;
  start({.fault = [&] {
    if (slow)
      std::this_thread::sleep_for(2ms);
    return absl::OkStatus();
  }});
  for (const char *stream : {"false", "true"}) {
    {
      HttpClient client(server->port());
      const std::string body =
          std::string(R"({"prompt": [1], "max_tokens": 60, "ignore_eos": true, "stream": )") +
          stream + "}";
      client.send("POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body);
      while (scheduler->metrics().running == 0)
        std::this_thread::sleep_for(1ms);
    }
    while (scheduler->metrics().running > 0)
      std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(scheduler->metrics().of(serving::Outcome::cancelled), 2u);
  EXPECT_EQ(scheduler->metrics().freePages, scheduler->metrics().pages);
}

TEST_F(ServeTest, AFullQueueAsksToComeLater) {
  std::promise<void> go;
  start({.scheduler = {.stepTokens = 16, .mostRunning = 1, .mostWaiting = 0},
         .fault = [held = go.get_future().share()] {
           held.wait();
           return absl::OkStatus();
         }});
  HttpClient first(server->port());
  const std::string body = R"({"prompt": [1], "max_tokens": 1})";
  first.send("POST /v1/completions HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
  HttpAnswer second;
  do
    second = post("/v1/completions", R"({"prompt": [[1], [2]], "max_tokens": 1})");
  while (second.status == 0);
  EXPECT_EQ(second.status, 429);
  EXPECT_NE(second.headers.find("Retry-After: 1"), std::string::npos);
  go.set_value();
  EXPECT_EQ(parseAnswer(first.readAll()).status, 200);
}

TEST_F(ServeTest, AFailedStepIsAnErrorOfItsRequests) {
  std::atomic<int> steps = 0;
  start({.fault = [&] {
    return ++steps % 3 == 0 ? absl::InternalError("step failed") : absl::OkStatus();
  }});
  EXPECT_EQ(refusal(500, "/v1/completions", R"({"prompt": [1], "max_tokens": 9})"), "step failed");
  const HttpAnswer stream = post(
      "/v1/completions", R"({"prompt": [1], "max_tokens": 9, "stream": true, "ignore_eos": true})");
  EXPECT_EQ(stream.status, 200); // it had begun
  EXPECT_NE(stream.body.find("data: {\"error\": {\"message\": \"step failed\""), std::string::npos);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(ServeTest, RefusesWhatIsTooLarge) {
  EXPECT_EQ(post("/v1/completions", std::string((8 << 20) + 1, ' ')).status, 413);
  EXPECT_EQ(
      ask(server->port(), "GET", "/health", "", "X: " + std::string(20000, 'x') + "\r\n").status,
      431);
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(ServeTest, HalfSentRequestsHoldNobodyUp) {
  std::vector<std::unique_ptr<HttpClient>> halves;
  for (int i = 0; i < 100; ++i) {
    halves.push_back(std::make_unique<HttpClient>(server->port()));
    halves.back()->send("POST /v1/completions HTTP/1.1\r\nContent-Le");
  }
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(post("/v1/completions", R"({"prompt": [1], "max_tokens": 1})").status, 200);
}

TEST_F(ServeTest, HeadHasNoBody) {
  HttpClient client(server->port());
  client.send("HEAD /health HTTP/1.1\r\nHost: t\r\n\r\nGET /health HTTP/1.1\r\nHost: t\r\n\r\n");
  const std::string head = client.readUntil("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200")) << head;
  EXPECT_NE(head.find("Content-Length: 17"), std::string::npos) << head;
  EXPECT_TRUE(client.readUntil("ok\"}\n").starts_with("HTTP/1.1 200"));
}

TEST_F(ServeTest, AConnectionServesManyRequests) {
  HttpClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(client.readUntil("ok\"}\n").starts_with("HTTP/1.1 200"));
  }
}

} // namespace
} // namespace strata::test
