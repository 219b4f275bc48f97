//===- Score.h - how likely a model finds tokens ----------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/engine/Engine.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace strata {

/// What the model made of one token, given those before it.
struct TokenScore {
  double logProbability; // natural logarithm; at most 0
  bool greedy;           // no other token was likelier
};

/// Rows of logits computed at once, so that they take at most 256 MiB.
int64_t rowsAtOnce(int64_t vocabulary);

/// Takes rows of logits, [rows, vocabulary], in their order.
using LogitSink = std::function<absl::Status(std::span<const float> rows)>;

/// Logits that are wanted besides scores: those behind the tokens [begin, end) of a text.
struct WantedLogits {
  size_t begin, end;
  LogitSink sink;
};

/// Scores texts, each a sequence of its own. Uses the engine, which must outlive it. What stands
/// before the scored tokens is not computed again where the last text had the same: many questions
/// ask for several continuations of one context. The scores are the same as if it were.
class Scorer {
public:
  explicit Scorer(Engine &engine) : engine(engine), sequence(engine.open()) {}
  ~Scorer() { (void)engine.close(sequence); } // it is open
  Scorer(const Scorer &) = delete;
  Scorer &operator=(const Scorer &) = delete;

  /// The scores of tokens[first], tokens[first + 1], ..., each given all before it; 1 <= `first` <
  /// tokens.size(). The last token is not fed, so tokens may be one more than the engine's context.
  absl::StatusOr<std::vector<TokenScore>> score(std::span<const int32_t> tokens, size_t first);
  /// The same, and logits, among which must be those that the scores need: `wanted.begin` < `first`
  /// and `wanted.end` >= tokens.size() - 1. If it is tokens.size(), the last token is fed, too.
  absl::StatusOr<std::vector<TokenScore>> score(std::span<const int32_t> tokens, size_t first,
                                                const WantedLogits &wanted);

  /// Begins a text: runs these tokens, unless they are those that the last one began with.
  absl::Status feedPrefix(std::span<const int32_t> tokens);
  /// Goes on with it by one step; the logits last until the engine's next.
  absl::StatusOr<StepResult> feed(std::span<const int32_t> tokens, LogitRows rows);

private:
  Engine &engine;
  const Sequence sequence;
  std::vector<int32_t> prefix; // tokens of the sequence that the next text may share
};

} // namespace strata
