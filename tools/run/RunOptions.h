//===- RunOptions.h - the command line of strata-run ------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "runtime/OpenEngine.h"
#include "runtime/engine/Sampler.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/GrammarOptions.h"
#include "tools/command_line/Load.h"

#include <cstdint>
#include <optional>
#include <string>

namespace strata {

struct RunOptions {
  std::string package;
  std::optional<std::string> prompt, file; // -p, -f
  bool isIds = false;                      // these hold ids
  bool interactive = false;
  bool chat = false;
  ChatOptions chatOptions;
  std::optional<int64_t> tokens; // -n
  bool untilEnd = false;         // -n -1: as many as the context has room for
  bool noEcho = false;
  SamplingParams sampling;
  GrammarOptions grammar;
  EngineOptions engine; // device, threads and target
  std::string weights;  // a folder; empty: what the package names
  int64_t context = 0;  // 0: the model's
  int64_t chunk = 512;
  std::string drafts = "off"; // as loadDrafts takes it
  std::string dump;           // folder for the prompt's activations; empty: none
};

/// What strata-run takes beside the options of every tool that runs packages.
std::vector<Option> tableOf(RunOptions &options);

/// What no option can see alone. --chat alone means -i, too.
absl::Status check(RunOptions &options);

} // namespace strata
