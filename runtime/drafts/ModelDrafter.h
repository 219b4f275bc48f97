//===- ModelDrafter.h - guesses of a smaller model --------------*- C++ -*-===//
#pragma once

#include "runtime/drafts/Drafter.h"
#include "runtime/engine/Engine.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace strata {

/// Drafts are what a smaller model with the same vocabulary goes on with: its likeliest tokens, or
/// what the text's own sampler takes from its logits by the same random numbers, so that two models
/// which agree choose alike. Its KV cache follows the texts, and is rewound to what was accepted. A
/// text for which that has no room gets no drafts.
class ModelDrafter : public Drafter {
public:
  /// `engine` runs the smaller model, and has no sequences yet.
  explicit ModelDrafter(std::unique_ptr<Engine> engine) : engine(std::move(engine)) {}

  int32_t open() override;
  void close(int32_t text) override;
  absl::Status draft(std::span<DraftRequest> requests) override;
  double secondsOfToken() const override { return seconds; }

  const Engine &model() const { return *engine; }

private:
  struct Text {
    Sequence sequence = -1;   // -1: the cache has had no room for it
    std::vector<int32_t> fed; // what the sequence holds: tokens of the text, then drafts
    size_t known = 0;         // of these, how many are the text's for certain
  };
  /// A request in a step of the smaller model.
  struct Part {
    DraftRequest *request;
    Text *text;
    std::span<const int32_t> tokens; // to be fed
    bool last;                       // whether a draft follows them
  };

  absl::Status forget(Text &text, std::span<const int32_t> tokens);
  absl::StatusOr<std::vector<Part>> begin(std::span<DraftRequest> requests);
  absl::Status step(std::vector<Part> &parts);
  absl::StatusOr<StepResult> run(std::vector<Part> &parts);
  void giveUp(std::vector<Part> &parts);

  std::unique_ptr<Engine> engine;
  std::map<int32_t, Text> texts;
  int32_t last = 0;
  double seconds = 0;
};

} // namespace strata
