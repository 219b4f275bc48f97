//===- Drafts.h - where guesses come from: --drafts -------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/OpenEngine.h"
#include "runtime/drafts/Drafter.h"
#include "tools/command_line/CommandLine.h"

#include <memory>
#include <optional>
#include <string>

namespace strata {

/// Where guesses come from: a text's n-grams, a smaller model, or, if neither is set, nowhere.
struct DraftSource {
  bool ngrams = false;
  std::optional<Package> package; // of the smaller model
  std::optional<Weights> weights;
};

/// --drafts off|ngram|PACKAGE, which loadDrafts takes.
Option draftsOption(std::string &drafts);

/// What "off", "ngram" or the path of a package names. A smaller model must have a program for the
/// device of `engine`, and as many tokens as `target`. For tools that know no tokenizers.
/// `randomWeights`: it needs no checkpoint.
absl::StatusOr<std::unique_ptr<DraftSource>> loadDrafts(const std::string &drafts,
                                                        const Package &target,
                                                        const EngineOptions &engine,
                                                        bool randomWeights = false);

/// Null where guesses come from nowhere. `engine`: what the target runs with. The source must
/// outlive it.
absl::StatusOr<std::unique_ptr<Drafter>> openDrafter(const DraftSource &source,
                                                     const EngineOptions &engine);

} // namespace strata
