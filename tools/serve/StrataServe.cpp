//===- StrataServe.cpp - strata-serve: one model, many users --------------===//

#include "runtime/base/Status.h"
#include "tools/command_line/Devices.h"
#include "tools/command_line/Tool.h"
#include "tools/serve/ServeOptions.h"
#include "tools/serve/Service.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace strata::serve {
namespace {

/// The signals that end the server. No thread takes them but the one that waits for them.
sigset_t endSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// Waits for a signal, which the server sends itself when its engine has failed, lets what runs
/// come to its end and stops the server; a second signal ends the process at once.
void drainOnSignal(HttpServer &server, serving::Scheduler &scheduler, int64_t seconds) {
  const sigset_t signals = endSignals();
  int signal;
  sigwait(&signals, &signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  scheduler.drain(serving::Clock::now() + std::chrono::seconds(seconds));
  server.stop();
}

/// A connection takes a descriptor; the usual limit is kept low for programs that use select().
void allowManyDescriptors() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit); // what cannot be accepted waits
}

EngineOptions engineOptions(const ServeOptions &options, int64_t context) {
  EngineOptions result = options.engine;
  result.context = uint32_t(context);
  result.sequences = uint32_t(options.sequences);
  result.stepTokens = uint32_t(options.scheduler.stepTokens);
  return result;
}

serving::SchedulerOptions schedulerOptions(const ServeOptions &options, const DraftSource &drafts,
                                           int64_t context) {
  serving::SchedulerOptions result = options.scheduler;
  result.openDrafter = [&options, &drafts, context] {
    return openDrafter(drafts, engineOptions(options, context));
  };
  result.onBroken = [] { kill(getpid(), SIGTERM); };
  return result;
}

/// The form of conversations; null, with a note, where the model has none.
std::optional<Chat> findChat(const Package &package, const Tokenizer &tokenizer,
                             const ServeOptions &options, Console &console) {
  auto chat = loadChat(package, tokenizer, options.chat);
  if (chat.ok())
    return *std::move(chat);
  console.note(absl::StrCat("/v1/chat/completions is refused: ", chat.status().message()));
  return std::nullopt;
}

absl::StatusOr<int> run(const ServeOptions &options, Console &console) {
  const sigset_t signals = endSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // in the threads to come, too
  allowManyDescriptors();
  STRATA_ASSIGN(const std::string key, findApiKey(options));
  STRATA_ASSIGN(const Package package, openPackage(options.package, options.engine.device));
  STRATA_ASSIGN(const std::unique_ptr<Tokenizer> tokenizer, loadTokenizer(package));
  const std::optional<Chat> chat = findChat(package, *tokenizer, options, console);
  STRATA_ASSIGN(const Weights weights, loadWeights(package, options.weights));
  STRATA_ASSIGN(const auto drafts, loadDrafts(options.drafts, package, *tokenizer, options.engine));
  const int64_t context = options.context ? options.context : package.model().context();

  ServedModel model{
      package, *tokenizer, chat ? &*chat : nullptr,
      options.name.empty() ? std::string(textOf(package.model().name())) : options.name, context};
  Service service(model, key, options.page);
  STRATA_ASSIGN(const std::unique_ptr<HttpServer> server,
                HttpServer::listen(options.http, [&](const std::shared_ptr<Exchange> &exchange) {
                  service.handle(exchange);
                }));
  STRATA_ASSIGN(const std::unique_ptr<serving::Scheduler> scheduler,
                serving::Scheduler::start(
                    [&] { return openEngine(package, weights, engineOptions(options, context)); },
                    *tokenizer, schedulerOptions(options, *drafts, context)));
  service.connect(*server, *scheduler);
  STRATA_TRY(console.write(absl::StrCat("serving ", model.name, " on http://", options.http.host,
                                        ":", server->port(), "\n")));
  std::thread ending([&] { drainOnSignal(*server, *scheduler, options.drainSeconds); });
  server->run();
  ending.join();
  STRATA_TRY(scheduler->failure());
  return 0;
}

} // namespace
} // namespace strata::serve

int main(int argc, char **argv) {
  using namespace strata;
  using namespace strata::serve;
  ServeOptions options;
  return runMain({.program = "strata-serve",
                  .usage = "model.strata  [options]",
                  .about = "Serves a compiled model to many clients at once, by OpenAI's HTTP API.",
                  .options = tableOf(options),
                  .path = options.package,
                  .engine = &options.engine,
                  .check = [&] { return check(options); },
                  .run = [&](Console &console) { return run(options, console); }},
                 argc, argv);
}
