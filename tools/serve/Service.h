//===- Service.h - what paths mean ------------------------------*- C++ -*-===//
#pragma once

#include "runtime/serving/Scheduler.h"
#include "tools/serve/CompletionRequest.h"
#include "tools/serve/HttpServer.h"

#include <cstdint>
#include <memory>
#include <string>

namespace strata::serve {

/// Answers the requests of OpenAI's clients, and those of monitors.
class Service {
public:
  /// `apiKey`: what clients must show, but for /health and the page; empty: nothing. `hasPage`:
  /// whether there is one.
  Service(const ServedModel &model, std::string apiKey, bool hasPage = true);

  /// Before the server runs. Both outlive the service.
  void connect(HttpServer &server, serving::Scheduler &scheduler);
  void handle(const std::shared_ptr<Exchange> &exchange);

private:
  using Answer = void (Service::*)(const std::shared_ptr<Exchange> &);
  struct Route {
    const char *method, *path; // one that ends with a slash: of all below it
    Answer answer;
  };
  static const Route kRoutes[];

  template <typename Make, typename Use>
  void withBody(const std::shared_ptr<Exchange> &exchange, Make make, Use use);
  bool isAllowed(const Exchange &exchange) const;
  void complete(const std::shared_ptr<Exchange> &exchange);
  void chat(const std::shared_ptr<Exchange> &exchange);
  void startCompletion(const std::shared_ptr<Exchange> &exchange,
                       absl::StatusOr<CompletionRequest> request, const char *prefix);
  void listModels(const std::shared_ptr<Exchange> &exchange);
  void showModel(const std::shared_ptr<Exchange> &exchange);
  void tokenize(const std::shared_ptr<Exchange> &exchange);
  void detokenize(const std::shared_ptr<Exchange> &exchange);
  void tokenizerInfo(const std::shared_ptr<Exchange> &exchange);
  void health(const std::shared_ptr<Exchange> &exchange);
  void metrics(const std::shared_ptr<Exchange> &exchange);
  void version(const std::shared_ptr<Exchange> &exchange);
  void page(const std::shared_ptr<Exchange> &exchange);
  void state(const std::shared_ptr<Exchange> &exchange);
  void describeModel(const std::shared_ptr<Exchange> &exchange);

  const ServedModel &model;
  const std::string apiKey;
  const bool hasPage;
  const int64_t started; // seconds since 1970
  HttpServer *server = nullptr;
  serving::Scheduler *scheduler = nullptr;
  uint64_t lastId = 0;
};

} // namespace strata::serve
