//===- StrataLoad.cpp - strata-load: how a server bears a load ------------===//

#include "runtime/base/Status.h"
#include "tools/command_line/Tool.h"
#include "tools/load/LoadReport.h"

#include <cstdlib>

namespace strata::load {
namespace {

constexpr int64_t kMostRequests = 1000000, kMostClients = 10000;
constexpr float kMostMilliseconds = 1e9;

struct LoadOptions {
  std::string url, model, key, sizes;
  WorkloadOptions workload;
  int64_t clients = 0, warmUp = 1, silentSeconds = 300;
  Goals goals;
  LoadFormat format = LoadFormat::markdown;
};

constexpr const char *kAbout =
    "Sends texts to complete to any server of OpenAI's API, and measures what its clients see: "
    "when\n"
    "the first text comes (TTFT), the pauses between chunks of text (ITL), the time a token "
    "(TPOT)\n"
    "and a whole answer take (E2E). Prompts are random token ids, so that no tokenizer is needed;\n"
    "answers are greedy and have as many tokens as were asked for. URL: http://HOST:PORT, with "
    "/v1\n"
    "behind it if the path is to be another. The exit status is 1 if a request failed.";

OptionSetter setLengths(Lengths &target) {
  return [&target](const std::string &value) -> absl::Status {
    STRATA_ASSIGN(target, parseLengths(value));
    return absl::OkStatus();
  };
}

OptionSetter setGoal(std::optional<double> &target) {
  return [&target](const std::string &value) -> absl::Status {
    float milliseconds;
    STRATA_TRY(setNumber(milliseconds, 0, kMostMilliseconds)(value));
    target = milliseconds / 1e3;
    return absl::OkStatus();
  };
}

OptionSetter setRate(double &target) {
  return [&target](const std::string &value) -> absl::Status {
    float rate;
    STRATA_TRY(setNumber(rate, 1e-6f, 1e6f)(value));
    target = rate;
    return absl::OkStatus();
  };
}

std::vector<Option> tableOf(LoadOptions &options) {
  WorkloadOptions &workload = options.workload;
  return {
      {"clients", "N", "so many, each sending a request when its last is answered; default 1",
       setInteger(options.clients, 1, kMostClients)},
      {"rate", "R", "instead: so many requests a second, at random times (Poisson)",
       setRate(workload.rate)},
      {"requests", "N", "requests; default 100", setInteger(workload.requests, 1, kMostRequests)},
      {"p", "N|LOW:HIGH", "tokens of a prompt, the same for all or evenly distributed; default 512",
       setLengths(workload.prompt)},
      {"n", "N|LOW:HIGH", "tokens to generate; default 128", setLengths(workload.output)},
      {"lengths", "FILE", "instead of -p and -n: a line for each request, \"PROMPT OUTPUT\"",
       setText(options.sizes)},
      {"prefix", "N", "the first so many tokens of all prompts are the same; default 0",
       setInteger(workload.prefix, 0, kMostTokens)},
      {"vocabulary", "N", "token ids are below; default 1000",
       setInteger(workload.vocabulary, 1, int64_t(1) << 31)},
      {"seed", "N", "of lengths, tokens and times; default 0", setSeed(workload.seed)},
      {"warm-up", "N", "requests before, one by one, that are not counted; default 1",
       setInteger(options.warmUp, 0, kMostRequests)},
      {"goal-ttft", "MS", "count the requests of which the first text came within so long",
       setGoal(options.goals.firstText)},
      {"goal-tpot", "MS", "and of which a token behind it took at most so long",
       setGoal(options.goals.perToken)},
      {"goal-e2e", "MS", "and which were answered within so long", setGoal(options.goals.whole)},
      {"model", "NAME", "default: the first that the server lists", setText(options.model)},
      {"api-key", "KEY", "default: the environment's OPENAI_API_KEY", setText(options.key)},
      {"timeout", "SECONDS", "a request fails after so long without a byte; default 300",
       setInteger(options.silentSeconds, 1, 86400)},
      {"o", "FORMAT", "md, the default, or json, with each request",
       setChoice(options.format, {{"md", LoadFormat::markdown}, {"json", LoadFormat::json}})}};
}

absl::Status check(LoadOptions &options) {
  if (options.clients > 0 && options.workload.rate > 0)
    return absl::InvalidArgumentError("expected one of --clients and --rate, found both");
  if (options.clients == 0 && options.workload.rate == 0)
    options.clients = 1;
  return parseUrl(options.url).status();
}

absl::StatusOr<std::unique_ptr<HttpClient>> connect(const LoadOptions &options) {
  STRATA_ASSIGN(ServerUrl url, parseUrl(options.url));
  if (url.path.empty())
    url.path = "/v1";
  const char *key = std::getenv("OPENAI_API_KEY");
  return HttpClient::create(url, !options.key.empty() || !key ? options.key : key,
                            options.silentSeconds);
}

absl::StatusOr<int> run(const LoadOptions &options, Console &console) {
  WorkloadOptions workloadOptions = options.workload;
  if (!options.sizes.empty()) {
    STRATA_ASSIGN(workloadOptions.sizes, readSizes(options.sizes));
  }
  const Workload workload(workloadOptions);
  STRATA_ASSIGN(const std::unique_ptr<HttpClient> client, connect(options));
  std::string model = options.model;
  if (model.empty()) {
    STRATA_ASSIGN(model, askModel(*client));
  }
  LoadRun load(*client, workload, model);
  console.progress("warming up");
  STRATA_TRY(annotate(load.warmUp(options.warmUp), "warming up"));
  const std::vector<RequestResult> results = load.run(options.clients, [&](int64_t done) {
    console.progress(absl::StrCat(done, " of ", workload.requests(), " requests"));
  });
  const LoadSetup setup{options.url, model, options.clients, options.workload.rate, options.goals};
  STRATA_TRY(console.write(formatLoad(options.format, setup, results)));
  return figuresOf(setup, results).failed > 0 ? 1 : 0;
}

} // namespace
} // namespace strata::load

int main(int argc, char **argv) {
  using namespace strata;
  using namespace strata::load;
  LoadOptions options;
  return runMain({.program = "strata-load",
                  .usage = "URL [options]",
                  .about = kAbout,
                  .options = tableOf(options),
                  .argument = "URL",
                  .path = options.url,
                  .check = [&] { return check(options); },
                  .run = [&](Console &console) { return run(options, console); }},
                 argc, argv);
}
