//===- ScoreOptions.h - strata-score's command line -------------*- C++ -*-===//
#pragma once

#include "runtime/OpenEngine.h"
#include "tools/command_line/CommandLine.h"
#include "tools/score/ScoreReport.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

struct ScoreOptions {
  std::string package, text, pairs; // of the last two, one is empty
  std::string logits;               // empty: none are written
  std::string base;                 // a package to compare with; empty: none
  int64_t context = 0;              // 0: what suits
  int64_t stride = 0;               // 0: chunks
  int64_t chunks = 0;               // 0: all windows
  bool noBos = false, isIds = false;
  ScoreFormat format = ScoreFormat::text;
  EngineOptions engine;             // device, threads and target
  std::string weights, baseWeights; // folders; empty: those that the packages name
};

/// Its options, and what --help says of it.
std::vector<Option> tableOf(ScoreOptions &options);
extern const char *const kAboutScore;

/// Whether the options fit together.
absl::Status check(const ScoreOptions &options);

} // namespace strata
