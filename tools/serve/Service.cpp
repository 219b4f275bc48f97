//===- Service.cpp - what paths mean --------------------------------------===//

#include "tools/serve/Service.h"

#include "absl/strings/str_format.h"
#include "runtime/base/Json.h"
#include "runtime/base/Status.h"
#include "runtime/text/Prompt.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/JsonWriter.h"
#include "tools/serve/Answers.h"
#include "tools/serve/Completion.h"
#include "tools/serve/GrammarRequest.h"
#include "tools/serve/Page.h"
#include "tools/serve/PageFacts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <ctime>
#include <iterator>

namespace strata::serve {
namespace {

constexpr char kJson[] = "application/json";
constexpr auto kOneLine = JsonWriter::Layout::oneLine;
constexpr size_t kShortBody = 64 << 10; // bytes: text of that length is tokens within some 10 ms

void refuse(Exchange &exchange, int status, std::string_view message) {
  exchange.reply(status, kJson, errorJson(status, message));
}

void answer(Exchange &exchange, const absl::StatusOr<std::string> &json) {
  if (json.ok())
    exchange.reply(200, kJson, *json);
  else
    refuse(exchange, httpStatusOf(json.status()), std::string(json.status().message()));
}

/// Takes as long however much of it is right.
bool isSame(std::string_view a, std::string_view b) {
  unsigned differences = a.size() != b.size();
  for (size_t i = 0; i < a.size() && i < b.size(); ++i)
    differences |= unsigned(a[i] ^ b[i]);
  return differences == 0;
}

absl::StatusOr<std::string> tokenizeJson(const ServedModel &model, std::string_view text) {
  JsonDocument::Notes duplicates;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, "body", &duplicates));
  STRATA_ASSIGN(const JsonObject body, document.object());
  STRATA_ASSIGN(const std::string_view prompt, body.string("prompt"));
  STRATA_ASSIGN(const auto special, body.optionalBoolean("add_special_tokens"));
  // "</s>" and the like mean their ids: clients ask so for the id that ends a text.
  STRATA_ASSIGN(std::vector<int32_t> ids, model.tokenizer.encode(prompt, ControlPieces::asIds));
  const package::Model &facts = model.package.model();
  if (special.value_or(true) && facts.add_bos())
    ids.insert(ids.begin(), facts.bos_token());
  JsonWriter json;
  json.beginObject(kOneLine)
      .member("count", ids.size())
      .member("max_model_len", model.context)
      .list("tokens", ids)
      .endObject();
  return json.take();
}

absl::StatusOr<std::string> detokenizeJson(const ServedModel &model, std::string_view text) {
  JsonDocument::Notes duplicates;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, "body", &duplicates));
  STRATA_ASSIGN(const JsonObject body, document.object());
  STRATA_ASSIGN(const auto ids, body.integers("tokens", {0, model.tokenizer.vocabularySize() - 1}));
  std::string decoded;
  Detokenizer decoder(model.tokenizer, Detokenizer::Start::ofText);
  for (int64_t id : ids)
    if (model.tokenizer.isControl(int32_t(id))) // back to what /tokenize takes
      decoded += decoder.flush() + std::string(model.tokenizer.piece(int32_t(id)));
    else
      decoded += decoder.push(int32_t(id));
  decoded += decoder.flush();
  JsonWriter json;
  json.beginObject(kOneLine).member("prompt", decoded).endObject();
  return json.take();
}

} // namespace

const Service::Route Service::kRoutes[] = {{"POST", "/v1/completions", &Service::complete},
                                           {"POST", "/v1/chat/completions", &Service::chat},
                                           {"GET", "/v1/models", &Service::listModels},
                                           {"GET", "/v1/models/", &Service::showModel},
                                           {"POST", "/tokenize", &Service::tokenize},
                                           {"POST", "/detokenize", &Service::detokenize},
                                           {"GET", "/tokenizer_info", &Service::tokenizerInfo},
                                           {"GET", "/health", &Service::health},
                                           {"GET", "/metrics", &Service::metrics},
                                           {"GET", "/version", &Service::version},
                                           {"GET", "/state", &Service::state},
                                           {"GET", "/model", &Service::describeModel},
                                           {"GET", "/", &Service::page}};

Service::Service(const ServedModel &model, std::string apiKey, bool hasPage)
    : model(model), apiKey(std::move(apiKey)), hasPage(hasPage),
      started(int64_t(std::time(nullptr))) {}

void Service::connect(HttpServer &to, serving::Scheduler &engine) {
  server = &to;
  scheduler = &engine;
}

/// Whether a host, perhaps with its port, is the number of a machine. Names may be pointed at any.
static bool isAddress(std::string host) {
  if (const size_t end = host.rfind(':'); end != std::string::npos && !host.ends_with(']'))
    host.resize(end);
  in6_addr address;
  if (host.starts_with('[') && host.ends_with(']'))
    return inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) == 1;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

/// Pages of other places that a browser shows must not ask a server of this machine.
static bool isForeign(const Exchange &exchange) {
  const std::string origin = exchange.header("Origin").value_or("");
  const std::string host = exchange.header("Host").value_or("");
  if (origin.empty() || (origin == "http://" + host && isAddress(host))) // the server's own page
    return false;
  for (const char *host : {"http://localhost", "http://127.0.0.1", "http://[::1]"})
    if (origin.starts_with(host)) {
      const std::string port = origin.substr(std::string_view(host).size());
      if (port.empty() ||
          (port[0] == ':' && port.find_first_not_of("0123456789", 1) == std::string::npos))
        return false;
    }
  return true;
}

bool Service::isAllowed(const Exchange &exchange) const {
  if (apiKey.empty() || exchange.path() == "/health" || exchange.path() == "/")
    return true;
  return isSame(exchange.header("Authorization").value_or(""), "Bearer " + apiKey);
}

void Service::handle(const std::shared_ptr<Exchange> &exchange) {
  if (const auto id = exchange->header("X-Request-Id"))
    exchange->addHeader("X-Request-Id", *id);
  if (!isAllowed(*exchange))
    return refuse(*exchange, 401, "expected the header \"Authorization: Bearer KEY\" with the key");
  if (isForeign(*exchange))
    return refuse(*exchange, 403, "the page that asks is of another place");
  const auto *const route = std::ranges::find_if(kRoutes, [&](const Route &each) {
    const std::string_view path = each.path;
    const bool isBelow =
        path.size() > 1 && path.ends_with('/') && exchange->path().starts_with(path);
    return (exchange->path() == path || isBelow) && (hasPage || each.answer != &Service::page);
  });
  if (route == std::end(kRoutes))
    return refuse(*exchange, 404, absl::StrCat(exchange->path(), ": there is no such path"));
  if (exchange->method() == route->method)
    return (this->*route->answer)(exchange);
  const std::string methods =
      absl::StrCat(route->method, route->method == std::string("GET") ? ", HEAD" : "", ", OPTIONS");
  exchange->addHeader("Allow", methods);
  if (exchange->method() == "OPTIONS")
    return exchange->reply(200, "text/plain", "");
  refuse(*exchange, 405,
         absl::StrCat(exchange->path(), ": expected ", methods, ", found ", exchange->method()));
}

void Service::startCompletion(const std::shared_ptr<Exchange> &exchange,
                              absl::StatusOr<CompletionRequest> request, const char *prefix) {
  if (!request.ok())
    return refuse(*exchange, httpStatusOf(request.status()),
                  std::string(request.status().message()));
  Completion::start({*server, *scheduler, model}, exchange, *std::move(request),
                    absl::StrFormat("%s-%x-%d", prefix, started, ++lastId));
}

/// Calls `use` with the exchange and what `make` makes of its body: at once, or, where that may
/// take long, when another thread has made it and if the client is still there.
template <typename Make, typename Use>
void Service::withBody(const std::shared_ptr<Exchange> &exchange, Make make, Use use) {
  std::string body = exchange->takeBody();
  if (body.size() <= kShortBody && !mayAskForGrammar(body))
    return use(exchange, make(model, body));
  server->runBeside([this, held = exchange, body = std::move(body), make, use]() mutable {
    return [held = std::move(held), made = make(model, body), use] {
      if (held->isOpen())
        use(held, made);
    };
  });
}

void Service::complete(const std::shared_ptr<Exchange> &exchange) {
  withBody(exchange, parseCompletion, [this](const auto &held, const auto &request) {
    startCompletion(held, request, "cmpl");
  });
}

void Service::chat(const std::shared_ptr<Exchange> &exchange) {
  withBody(exchange, parseChatCompletion, [this](const auto &held, const auto &request) {
    startCompletion(held, request, "chatcmpl");
  });
}

void Service::listModels(const std::shared_ptr<Exchange> &exchange) {
  answer(*exchange, modelsJson(model, started));
}

void Service::showModel(const std::shared_ptr<Exchange> &exchange) {
  const std::string path = exchange->path();
  const std::string name = path.substr(std::string_view("/v1/models/").size());
  if (name != model.name)
    return refuse(*exchange, 404, absl::StrCat("model: expected ", model.name, ", found ", name));
  answer(*exchange, modelJson(model, started));
}

void Service::tokenize(const std::shared_ptr<Exchange> &exchange) {
  withBody(exchange, tokenizeJson, [](const auto &held, const auto &json) { answer(*held, json); });
}

void Service::detokenize(const std::shared_ptr<Exchange> &exchange) {
  withBody(exchange, detokenizeJson,
           [](const auto &held, const auto &json) { answer(*held, json); });
}

void Service::tokenizerInfo(const std::shared_ptr<Exchange> &exchange) {
  answer(*exchange, tokenizerJson(model));
}

void Service::health(const std::shared_ptr<Exchange> &exchange) {
  if (scheduler->healthy())
    exchange->reply(200, kJson, "{\"status\": \"ok\"}\n");
  else
    refuse(*exchange, 503, "the engine has failed, or the server is shutting down");
}

void Service::metrics(const std::shared_ptr<Exchange> &exchange) {
  exchange->reply(200, "text/plain; version=0.0.4", metricsText(scheduler->metrics(), model.name));
}

void Service::version(const std::shared_ptr<Exchange> &exchange) {
  JsonWriter json;
  json.beginObject(kOneLine).member("version", versionNumber()).endObject();
  exchange->reply(200, kJson, json.take());
}

void Service::page(const std::shared_ptr<Exchange> &exchange) {
  exchange->addHeader("ETag", kPage.tag);
  exchange->addHeader("Cache-Control", "no-cache"); // may be kept, and is asked for by its tag
  exchange->addHeader("Content-Security-Policy", kPage.policy);
  exchange->addHeader("X-Content-Type-Options", "nosniff");
  exchange->addHeader("Referrer-Policy", "no-referrer");
  const bool isKnown = exchange->header("If-None-Match") == kPage.tag;
  exchange->reply(isKnown ? 304 : 200, "text/html; charset=utf-8", isKnown ? "" : kPage.html);
}

void Service::state(const std::shared_ptr<Exchange> &exchange) {
  exchange->reply(200, kJson,
                  stateJson(scheduler->metrics(), scheduler->facts(), scheduler->ceilings()));
}

void Service::describeModel(const std::shared_ptr<Exchange> &exchange) {
  exchange->reply(
      200, kJson,
      modelFactsJson(model, scheduler->facts(), scheduler->metrics().pages, scheduler->ceilings()));
}

} // namespace strata::serve
