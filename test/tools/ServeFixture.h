//===- ServeFixture.h - strata-serve within a test --------------*- C++ -*-===//
#pragma once

#include "runtime/base/Json.h"
#include "test/tools/ContractModel.h"
#include "test/tools/HttpClient.h"
#include "tools/serve/Service.h"

#include <thread>

namespace strata::test {

/// The server with the model of the contract.
class ServeFixture : public testing::Test {
protected:
  struct Setup {
    uint32_t pages = 200;
    serving::SchedulerOptions scheduler = {.stepTokens = 16, .mostRunning = 8};
    HashDevice::Fault fault = [] { return absl::OkStatus(); };
    std::string key = "";
    bool page = true;
    serve::HttpOptions http = {};
  };

  void SetUp() override { start({}); }
  void TearDown() override { stop(); }

  void start(Setup setup) {
    stop();
    service.emplace(served, setup.key, setup.page);
    setup.http.port = 0;
    server = serve::HttpServer::listen(setup.http,
                                       [this](const std::shared_ptr<serve::Exchange> &exchange) {
                                         service->handle(exchange);
                                       })
                 .value();
    scheduler = serving::Scheduler::start(model.opener(setup.pages, setup.fault), tokenizer(),
                                          setup.scheduler)
                    .value();
    service->connect(*server, *scheduler);
    thread = std::thread([this] { server->run(); });
  }

  void stop() {
    if (!server)
      return;
    scheduler->drain(serving::Clock::now());
    server->stop();
    thread.join();
    scheduler.reset();
    server.reset();
  }

  HttpAnswer post(const std::string &path, const std::string &body) {
    return ask(server->port(), "POST", path, body);
  }
  HttpAnswer get(const std::string &path) { return ask(server->port(), "GET", path); }
  /// The message of an error that must have this status.
  std::string refusal(int status, const std::string &path, const std::string &body) {
    const HttpAnswer answer = post(path, body);
    EXPECT_EQ(answer.status, status) << answer.body;
    const auto document = JsonDocument::parse(answer.body, "answer");
    EXPECT_TRUE(document.ok()) << answer.body;
    const auto error = document->object()->object("error");
    EXPECT_TRUE(error.ok()) << answer.body;
    EXPECT_EQ(error->integer("code").value(), status);
    return std::string(error->string("message").value());
  }

  const ContractModel &model = contractModel();
  const Chat chat = Chat::create(tokenizer(), model.package().model(), ChatForm::raw).value();
  const serve::ServedModel served{model.package(), tokenizer(), &chat, "fake", kContext};
  std::optional<serve::Service> service;
  std::unique_ptr<serve::HttpServer> server;
  std::unique_ptr<serving::Scheduler> scheduler;
  std::thread thread;
};

/// What a greedy request gets.
inline std::string textAfter(const std::vector<int32_t> &prompt, int64_t count) {
  std::string text;
  Detokenizer decoder(tokenizer(), Detokenizer::Start::continuation);
  for (int32_t token : contractModel().textAfter(prompt, count))
    text += decoder.push(token);
  return text + decoder.flush();
}

} // namespace strata::test
