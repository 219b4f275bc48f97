//===- ServeOptions.h - the command line of strata-serve --------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/OpenEngine.h"
#include "runtime/serving/Scheduler.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/Load.h"
#include "tools/serve/HttpServer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata::serve {

struct ServeOptions {
  std::string package;
  HttpOptions http;
  std::string apiKey, apiKeyFile; // at most one
  std::string name;               // of the model, for clients; empty: its own
  std::string drafts = "off";     // as loadDrafts takes it
  std::string weights;            // a folder; empty: what the package names
  ChatOptions chat;
  EngineOptions engine;  // device, threads and target
  int64_t context = 0;   // 0: the model's
  int64_t sequences = 4; // the KV cache has room for so many of `context` tokens
  serving::SchedulerOptions scheduler;
  int64_t drainSeconds = 8;
  bool page = true; // for people, at /
};

/// What strata-serve takes beside the options of every tool that runs packages.
std::vector<Option> tableOf(ServeOptions &options);
absl::Status check(const ServeOptions &options);

/// The key that clients must show, from --api-key, --api-key-file or STRATA_API_KEY; empty: none.
absl::StatusOr<std::string> findApiKey(const ServeOptions &options);

} // namespace strata::serve
