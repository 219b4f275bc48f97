//===- ServeProcessTest.cpp - how strata-serve ends -----------------------===//
//
// The command itself on the fake model: signals while it is busy, and devices that are lost.
//
//===----------------------------------------------------------------------===//

#include "test/tools/DevicePackages.h"
#include "test/tools/HttpClient.h"
#include "test/tools/ServerProcess.h"

#include <atomic>
#include <optional>
#include <thread>

namespace strata::test {
namespace {

using namespace std::chrono_literals;

const std::string kBody = R"({"prompt": [1, 2], "max_tokens": 28, "ignore_eos": true, "stream": )";

using ServeProcess = DevicePackages;

/// An answer that has begun comes to its end; who comes later is told so, or finds nobody.
TEST_F(ServeProcess, AnswersWhatItHasTakenWhenItIsToEnd) {
  ServerProcess server(folder, {forCpu, "--running", "4", "--threads", "1"});
  ASSERT_NE(server.port(), 0) << server.errors();
  std::atomic<int> answered = 0, refused = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, i] {
      const bool streams = i % 2;
      for (HttpAnswer answer;;) {
        answer =
            ask(server.port(), "POST", "/v1/completions", kBody + (streams ? "true}" : "false}"));
        if (answer.status != 200) {
          EXPECT_TRUE(answer.status == 503 || answer.status == 0) << answer.status;
          ++refused;
          return;
        }
        EXPECT_TRUE(answer.body.ends_with(streams ? "data: [DONE]\n\n" : "}\n")) << answer.body;
        ++answered;
      }
    });
  while (answered < 50)
    std::this_thread::sleep_for(1ms);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(30s), 0) << server.errors();
  for (std::thread &client : clients)
    client.join();
  EXPECT_EQ(refused, 8);
}

TEST_F(ServeProcess, EndsThoughAClientNeverReadsOrWrites) {
  ServerProcess server(folder, {forCpu, "--threads", "1"});
  ASSERT_NE(server.port(), 0) << server.errors();
  HttpClient quiet(server.port()), half(server.port()), deaf(server.port(), 1);
  half.send("POST /v1/completions HTTP/1.1\r\nContent-Le");
  deaf.send(requestOf("POST", "/v1/completions", kBody + "true}"));
  EXPECT_EQ(ask(server.port(), "GET", "/health").status, 200);
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(30s), 0) << server.errors();
}

/// Error codes of CUDA after which a process can never use the device again. Which call it is that
/// fails does not matter, as long as the server has begun to serve.
TEST_F(ServeProcess, EndsWithAnErrorWhenItsDeviceIsLost) {
  for (const std::string code : {"700", "710", "214"}) {
    ServerProcess server(
        folder, {forCuda, "--device", "cuda", "--threads", "1"},
        {"FAKE_CUDA=failAt=1500,failCode=" + code, "LD_LIBRARY_PATH=" STRATA_FAKE_DRIVER_FOLDER});
    ASSERT_NE(server.port(), 0) << server.errors();
    HttpAnswer answer;
    answer.status = 200;
    for (int i = 0; i < 1000 && answer.status == 200; ++i)
      answer = ask(server.port(), "POST", "/v1/completions", kBody + "false}");
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_NE(answer.body.find("(" + code + ")"), std::string::npos) << answer.body;
    EXPECT_EQ(server.wait(30s), 1);
    EXPECT_NE(server.errors().find("this process cannot use the device any more"),
              std::string::npos)
        << server.errors();
  }
}

} // namespace
} // namespace strata::test
