//===- LoadRun.h - a load, sent and measured --------------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tools/load/HttpClient.h"
#include "tools/load/StreamedAnswer.h"
#include "tools/load/Workload.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata::load {

/// One request as its client saw it. Times are seconds since the load began.
struct RequestResult {
  absl::Status status;            // why it failed; the other fields then tell what came before
  RequestSize asked = {};         // tokens
  ToldUsage told = {};            // by the server
  double begin = 0, end = 0;      // begin: when it was due, at a rate, or sent
  std::vector<double> texts = {}; // when each chunk came that brought text
};

/// The id of the first model that the server lists.
absl::StatusOr<std::string> askModel(HttpClient &client);

/// Sends a workload's requests to /completions of a server.
class LoadRun {
public:
  /// All outlive the run.
  LoadRun(HttpClient &client, const Workload &workload, std::string model)
      : client(client), workload(workload), model(std::move(model)) {}

  /// So many requests, one after the other, that are not counted; the first error.
  absl::Status warmUp(int64_t requests);
  /// All of the workload's requests. `clients`: so many at a time, each followed by the next at
  /// once; 0: each when it is due, however many are on their way. `progress` is told how many are
  /// done.
  std::vector<RequestResult> run(int64_t clients, absl::FunctionRef<void(int64_t)> progress);

private:
  void start(int64_t request, double begin, std::function<void(RequestResult)> done);
  void startNext();
  void startWhenDue(int64_t request);
  void finished(int64_t request, RequestResult result);
  double now() const;
  std::string bodyOf(int64_t request) const;

  HttpClient &client;
  const Workload &workload;
  const std::string model;
  Clock::time_point began;
  std::vector<RequestResult> results;
  int64_t next = 0;
  std::function<void()> whenFinished;
};

} // namespace strata::load
