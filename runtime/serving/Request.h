//===- Request.h - what a scheduler is asked, and what it tells -*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "runtime/drafts/Drafter.h"
#include "runtime/engine/LogProbs.h"
#include "runtime/engine/LogitAdjuster.h"
#include "runtime/engine/Sampler.h"
#include "runtime/grammar/CompiledGrammar.h"
#include "runtime/text/GeneratedText.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strata::serving {

using Clock = std::chrono::steady_clock;
inline double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One text to go on with.
struct Request {
  std::vector<int32_t> prompt; // at least 1 token
  int64_t mostTokens = 16;     // to generate; 0: the prompt is scored, and nothing else
  int64_t leastTokens = 0;     // before which nothing but `mostTokens` ends the text
  SamplingParams sampling = {};
  LogitAdjustments adjustments = {};
  std::vector<int32_t> stopTokens = {};    // each ends the text, beside the model's own
  std::vector<std::string> stopTexts = {}; // each ends the text, and is no part of it
  bool ignoreEnd = false;                  // the model's own end does not end the text
  int64_t topLogProbs =
      -1; // -1: no log-probabilities; else of each token, and of so many likeliest
  bool promptLogProbs = false;      // of the prompt's tokens, too, as many as of others
  int64_t mostDrafts = kMostDrafts; // tokens that are guessed for a step; 0: none
  std::shared_ptr<grammar::CompiledGrammar> grammar = {}; // which the text follows; null: none
  std::optional<Clock::time_point> deadline = {};

  static constexpr int64_t kMostTopLogProbs = 20;
  static constexpr size_t kMostStopTexts = 16, kMostStopBytes = 256;

  /// INVALID_ARGUMENT or, for what the context has no room for, OUT_OF_RANGE: names the field, what
  /// it may be and what it is.
  absl::Status validate(int64_t vocabulary, int64_t context) const;
};

/// What a step adds to a text.
struct Generated {
  std::string text;                // whole characters; empty while they may begin a stop text
  std::vector<int32_t> tokens;     // the token that ended the text included
  std::vector<ScoredToken> scores; // of the tokens, where log-probabilities were asked for
};

struct Usage {
  int64_t promptTokens = 0, generatedTokens = 0;
  int64_t cachedTokens = 0; // of the prompt: not computed, but found in the cache
};

/// Hears what becomes of a request, on the scheduler's thread: it must return soon, and may call
/// the scheduler. After finished() or failed() nothing more comes.
class Listener {
public:
  virtual ~Listener() = default;

  /// Once, before anything is generated: the prompt's tokens from the second on.
  virtual void promptScored(std::vector<ScoredToken> tokens) {}
  virtual void generated(Generated part) = 0;
  virtual void finished(FinishReason reason, const Usage &usage) = 0;
  /// CANCELLED, DEADLINE_EXCEEDED, or what went wrong.
  virtual void failed(const absl::Status &status) = 0;
};

} // namespace strata::serving
