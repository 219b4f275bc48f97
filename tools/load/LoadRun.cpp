//===- LoadRun.cpp - a load, sent and measured ----------------------------===//

#include "tools/load/LoadRun.h"

#include "runtime/base/Json.h"
#include "runtime/base/Status.h"
#include "tools/command_line/JsonWriter.h"

#include <utility>

namespace strata::load {
namespace {

absl::StatusOr<std::string> firstModel(const std::string &list) {
  JsonDocument::Notes duplicates;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(list, "/models", &duplicates));
  STRATA_ASSIGN(const JsonObject body, document.object());
  STRATA_ASSIGN(const std::vector<JsonValue> models, body.array("data"));
  if (models.empty())
    return absl::InvalidArgumentError("/models: expected a model, found none");
  STRATA_ASSIGN(const JsonObject model, models.front().object());
  STRATA_ASSIGN(const std::string_view id, model.string("id"));
  return std::string(id);
}

} // namespace

absl::StatusOr<std::string> askModel(HttpClient &client) {
  std::string list;
  absl::Status status;
  client.send({.path = "/models",
               .received = [&](std::string_view bytes) { list += bytes; },
               .done = [&](const absl::Status &given) { status = given; }});
  client.run();
  STRATA_TRY(status);
  return firstModel(list);
}

absl::Status LoadRun::warmUp(int64_t requests) {
  began = Clock::now();
  for (int64_t i = 0; i < requests; ++i) {
    absl::Status status;
    start(workload.requests() + i, 0, [&](RequestResult result) { status = result.status; });
    client.run();
    STRATA_TRY(status);
  }
  return absl::OkStatus();
}

std::vector<RequestResult> LoadRun::run(int64_t clients,
                                        absl::FunctionRef<void(int64_t)> progress) {
  results.assign(size_t(workload.requests()), {});
  next = 0;
  int64_t done = 0;
  began = Clock::now();
  whenFinished = [&, clients] {
    progress(++done);
    if (clients > 0)
      startNext();
  };
  for (int64_t i = 0; i < clients; ++i)
    startNext();
  if (clients == 0)
    startWhenDue(0);
  client.run();
  return std::move(results);
}

/// Of a closed loop.
void LoadRun::startNext() {
  if (next == workload.requests())
    return;
  const int64_t request = next++;
  start(request, now(),
        [this, request](RequestResult result) { finished(request, std::move(result)); });
}

/// Times count from when a request was due, so that one that is sent late does not look faster.
void LoadRun::startWhenDue(int64_t request) {
  if (request == workload.requests())
    return;
  client.callAfter(workload.due(request) - now(), [this, request] {
    start(request, workload.due(request),
          [this, request](RequestResult result) { finished(request, std::move(result)); });
    startWhenDue(request + 1);
  });
}

void LoadRun::finished(int64_t request, RequestResult result) {
  results[size_t(request)] = std::move(result);
  whenFinished();
}

double LoadRun::now() const { return std::chrono::duration<double>(Clock::now() - began).count(); }

void LoadRun::start(int64_t request, double begin, std::function<void(RequestResult)> done) {
  const auto answer = std::make_shared<StreamedAnswer>();
  client.send({.path = "/completions",
               .body = bodyOf(request),
               .received =
                   [answer](std::string_view bytes) {
                     // An error is remembered, and told at the end.
                     (void)answer->push(bytes, Clock::now());
                   },
               .done =
                   [this, request, begin, answer, done](const absl::Status &status) {
                     RequestResult result{status.ok() ? answer->end() : status,
                                          workload.size(request), answer->usage(), begin, now()};
                     for (const Clock::time_point time : answer->texts())
                       result.texts.push_back(std::chrono::duration<double>(time - began).count());
                     done(std::move(result));
                   }});
}

std::string LoadRun::bodyOf(int64_t request) const {
  JsonWriter json;
  json.beginObject(JsonWriter::Layout::oneLine)
      .member("model", model)
      .list("prompt", workload.prompt(request))
      .member("max_tokens", workload.size(request).output)
      .member("temperature", 0)
      .member("ignore_eos", true)
      .member("stream", true);
  json.key("stream_options").beginObject().member("include_usage", true).endObject();
  return json.endObject().take();
}

} // namespace strata::load
