//===- PageTest.cpp - the page at /, and what it asks for -----------------===//
//
// What browsers do with it is tested by test/clients/page.py, which needs one.
//
//===----------------------------------------------------------------------===//

#include "test/tools/DevicePackages.h"
#include "test/tools/ServeFixture.h"
#include "test/tools/ServerProcess.h"

namespace strata::test {
namespace {

using namespace std::chrono_literals;

class PageTest : public ServeFixture {
protected:
  JsonDocument json(const std::string &path) {
    const HttpAnswer answer = get(path);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_NE(answer.headers.find("Content-Type: application/json"), std::string::npos);
    return JsonDocument::parse(answer.body, path).value();
  }
};

bool hasLine(const HttpAnswer &answer, const std::string &line) {
  return (answer.headers + "\r\n").find("\r\n" + line + "\r\n") != std::string::npos;
}

/// The value of a header of an answer.
std::string valueOf(const HttpAnswer &answer, const std::string &name) {
  const size_t begin = answer.headers.find("\r\n" + name + ": ") + name.size() + 4;
  return answer.headers.substr(begin, answer.headers.find("\r\n", begin) - begin);
}

TEST_F(PageTest, IsOneFileThatAsksNoOtherServer) {
  const HttpAnswer answer = get("/");
  ASSERT_EQ(answer.status, 200);
  EXPECT_TRUE(hasLine(answer, "Content-Type: text/html; charset=utf-8")) << answer.headers;
  EXPECT_TRUE(answer.body.starts_with("<!doctype html>"));
  for (const char *foreign : {"src=", "@import", "url(", "https:", "@STYLE@", "@SCRIPT@"})
    EXPECT_EQ(answer.body.find(foreign), std::string::npos) << foreign;
  const std::string policy = valueOf(answer, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; style-src 'sha256-")) << policy;
  EXPECT_NE(policy.find("; connect-src 'self';"), std::string::npos) << policy;
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  EXPECT_TRUE(hasLine(answer, "X-Content-Type-Options: nosniff"));
  EXPECT_TRUE(hasLine(answer, "Referrer-Policy: no-referrer"));
}

TEST_F(PageTest, IsSentOnceToWhoKeepsIt) {
  const HttpAnswer first = get("/");
  EXPECT_TRUE(hasLine(first, "Cache-Control: no-cache"));
  const std::string known = "If-None-Match: " + valueOf(first, "ETag") + "\r\n";
  const HttpAnswer again = ask(server->port(), "GET", "/", "", known);
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(again.headers.find("Content-Length"), std::string::npos) << again.headers;
  EXPECT_EQ(ask(server->port(), "GET", "/", "", "If-None-Match: \"other\"\r\n").status, 200);
  const HttpAnswer head = ask(server->port(), "HEAD", "/");
  EXPECT_EQ(head.body, "");
  EXPECT_TRUE(hasLine(head, "Content-Length: " + std::to_string(first.body.size())));
}

/// A browser that opens a page cannot show a key; there is nothing in it that needs one.
TEST_F(PageTest, NeedsNoKeyButWhatItAsksForDoes) {
  start({.key = "secret"});
  EXPECT_EQ(get("/").status, 200);
  for (const char *path : {"/state", "/model"}) {
    EXPECT_EQ(get(path).status, 401) << path;
    EXPECT_EQ(ask(server->port(), "GET", path, "", "Authorization: Bearer secret\r\n").status, 200);
  }
}

TEST_F(PageTest, IsForThisPlaceAlone) {
  for (const char *path : {"/", "/state", "/model"})
    EXPECT_EQ(ask(server->port(), "GET", path, "", "Origin: https://example.org\r\n").status, 403);
}

/// By a number, the page can be opened from other machines; a name could be pointed at any machine.
TEST_F(PageTest, MayAskTheServerThatItIsOf) {
  const auto statusOf = [&](const std::string &host, const std::string &origin) {
    HttpClient client(server->port());
    client.send("GET /state HTTP/1.1\r\nConnection: close\r\nHost: " + host +
                "\r\nOrigin: http://" + origin + "\r\n\r\n");
    return parseAnswer(client.readAll()).status;
  };
  EXPECT_EQ(statusOf("192.0.2.1:8000", "192.0.2.1:8000"), 200);
  EXPECT_EQ(statusOf("192.0.2.1", "192.0.2.1"), 200);
  EXPECT_EQ(statusOf("[2001:db8::1]:8000", "[2001:db8::1]:8000"), 200);
  EXPECT_EQ(statusOf("[2001:db8::1]", "[2001:db8::1]"), 200);
  EXPECT_EQ(statusOf("192.0.2.1:8000", "192.0.2.1:8001"), 403);
  EXPECT_EQ(statusOf("192.0.2.1:8000", "192.0.2.2:8000"), 403);
  EXPECT_EQ(statusOf("example.org:8000", "example.org:8000"), 403);
  EXPECT_EQ(statusOf("192.0.2.1.example.org", "192.0.2.1.example.org"), 403);
}

TEST_F(PageTest, CanBeLeftOut) {
  start({.page = false});
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/state").status, 200);
}

TEST_F(PageTest, StateCountsWhatStepsDid) {
  const JsonDocument before = json("/state");
  post("/v1/completions", R"({"prompt": [1, 2, 3], "temperature": 0, "ignore_eos": true})");
  while (scheduler->metrics().steps < 16 || scheduler->metrics().running > 0)
    std::this_thread::sleep_for(1ms); // the client has its answer a little earlier
  const JsonDocument after = json("/state");
  const JsonObject was = before.object().value(), is = after.object().value();
  EXPECT_GT(is.number("seconds").value(), was.number("seconds").value());
  EXPECT_EQ(was.integer("generated_tokens").value(), 0);
  EXPECT_EQ(is.integer("generated_tokens").value(), 16);
  EXPECT_EQ(is.integer("prompt_tokens").value(), 3);
  EXPECT_EQ(is.integer("cached_tokens").value(), 0);
  EXPECT_EQ(is.integer("steps").value(), 16);
  EXPECT_GT(is.number("step_seconds").value(), 0);
  EXPECT_GT(is.number("step_bytes").value(), 0);
  EXPECT_GT(is.number("step_flops").value(), 0);
  EXPECT_EQ(is.integer("running").value(), 0);
  EXPECT_EQ(is.integer("waiting").value(), 0);
  EXPECT_EQ(is.integer("most_running").value(), 8);
  EXPECT_EQ(is.integer("pages").value(), 200);
  EXPECT_EQ(is.integer("free_pages").value(), 200);
  EXPECT_EQ(is.integer("page_tokens").value(), 4);
  EXPECT_EQ(is.integer("preemptions").value(), 0);
}

/// None at first: the first who asks has them measured.
TEST_F(PageTest, StateHasTheCeilingsOnceSomebodyHasAsked) {
  EXPECT_TRUE(json("/state").object()->find("ceilings")->isNull());
  JsonDocument state = json("/state");
  while (state.object()->find("ceilings")->isNull()) {
    std::this_thread::sleep_for(1ms);
    state = json("/state");
  }
  const JsonObject ceilings = state.object()->object("ceilings").value();
  EXPECT_EQ(ceilings.number("read").value(), HashDevice::kReadCeiling);
  EXPECT_EQ(ceilings.number("flops").value(), HashDevice::kFlopCeiling);
  EXPECT_EQ(ceilings.string("instruction").value(), "hash");
}

TEST_F(PageTest, ModelTellsWhatThePackageHas) {
  const JsonDocument document = json("/model");
  const JsonObject facts = document.object().value();
  EXPECT_EQ(facts.string("name").value(), "fake");
  EXPECT_EQ(facts.string("architecture").value(), "Fake");
  EXPECT_EQ(facts.string("chat").value(), "raw");
  EXPECT_EQ(facts.integer("layers").value(), 2);
  EXPECT_EQ(facts.integer("context").value(), kContext);
  const JsonObject program = facts.object("program").value();
  EXPECT_EQ(program.string("device").value(), "cpu");
  EXPECT_EQ(program.string("target").value(), "hash");
  EXPECT_EQ(program.integer("threads").value(), 1);
  EXPECT_EQ(program.integer("dispatches").value(), 5);
  EXPECT_EQ(program.integer("kernels").value(), 4);
  EXPECT_EQ(program.integer("variants").value(), 6);
  EXPECT_EQ(program.array("codes")->at(0).string().value(), "x86-64");
  EXPECT_EQ(program.integer("bytes").value(), int64_t(model.package().size()));
  const JsonObject memory = facts.object("memory").value();
  EXPECT_EQ(memory.integer("weight_bytes").value(), 2 * 4 * kVocabulary);
  EXPECT_EQ(memory.integer("cache_bytes").value(), 200 * 64);
  EXPECT_EQ(memory.integer("arena_bytes").value(), 16 * 12); // of a step of 16 tokens
}

TEST_F(PageTest, ModelTellsWhatKernelsCost) {
  const JsonDocument document = json("/model");
  const auto outside = document.object()->array("outside").value(); // no layer in these names
  ASSERT_EQ(outside.size(), 5u);
  const JsonObject output = outside[4].object().value();
  EXPECT_EQ(output.string("name").value(), "output");
  EXPECT_EQ(output.string("kernel").value(), "output");
  EXPECT_EQ(output.string("axis").value(), "outputs");
  EXPECT_EQ(output.integer("fixed_bytes").value(), 4 * kVocabulary);
  EXPECT_EQ(output.integer("row_bytes").value(), 64);
  EXPECT_EQ(output.integer("row_flops").value(), 16);
  EXPECT_EQ(outside[3].object()->integer("context_bytes").value(), 4);
  EXPECT_EQ(outside[3].object()->integer("context_flops").value(), 2);
  EXPECT_TRUE(document.object()->array("layer")->empty());
}

/// What a reply that was stopped goes on with is what it would have gone on with.
TEST_F(PageTest, AReplyThatWasBrokenOffGoesOn) {
  const std::string path = "/v1/chat/completions";
  const auto ask = [&](const std::string &messages, const std::string &more) {
    return "{\"messages\": [" + messages + "], \"temperature\": 0, \"max_tokens\": 3" + more + "}";
  };
  const std::string question = R"({"role": "user", "content": "In the "})",
                    reply = R"(, {"role": "assistant", "content": "beginning"})";
  const HttpAnswer answer = post(path, ask(question + reply, ", \"continue_final_message\": true"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto document = JsonDocument::parse(answer.body, "answer").value();
  const auto choices = document.object()->array("choices").value();
  EXPECT_EQ(choices[0].object()->object("message")->string("content").value(),
            textAfter(tokenizer().encode("In the beginning").value(), 3));
  EXPECT_EQ(refusal(400, path, ask(question, ", \"continue_final_message\": true")),
            "body: messages: expected the last message to be the assistant's");
  EXPECT_EQ(refusal(400, path, ask(question + reply, "")),
            "body: messages: expected the last message to be the user's");
}

using PageProcess = DevicePackages;

TEST_F(PageProcess, AnOptionLeavesThePageOut) {
  for (const std::string choice : {"on", "off"}) {
    ServerProcess server(folder, {forCpu, "--threads", "1", "--page", choice});
    ASSERT_NE(server.port(), 0) << server.errors();
    EXPECT_EQ(ask(server.port(), "GET", "/").status, choice == "on" ? 200 : 404);
  }
}

} // namespace
} // namespace strata::test
