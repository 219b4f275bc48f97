//===- ServedText.h - a request and how far it is ---------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/engine/Engine.h"
#include "runtime/grammar/CompiledGrammar.h"
#include "runtime/serving/Request.h"
#include "runtime/serving/StopTexts.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace strata::serving {

using RequestId = uint64_t;

/// The tokens of a request, those that the model has seen and those that are to come; samples the
/// next ones and tells the listener. Knows nothing of steps and other requests.
class ServedText {
public:
  /// `request` is valid. `ends`: the model's own end tokens.
  ServedText(RequestId id, Request request, std::shared_ptr<Listener> listener,
             const Tokenizer &tokenizer, std::span<const int32_t> ends);

  RequestId id() const { return number; }
  const Request &request() const { return asked; }
  Listener &listener() const { return *hearer; }

  /// All tokens, the prompt's first.
  int64_t length() const { return int64_t(tokens.size()); }
  /// Tokens that the model has not seen; at least one until finished().
  std::span<const int32_t> pending() const { return std::span(tokens).subspan(size_t(seen)); }
  int64_t seenTokens() const { return seen; }
  int64_t generatedTokens() const { return length() - int64_t(asked.prompt.size()); }
  /// The tokens that the model has seen.
  std::span<const int32_t> seenPart() const { return std::span(tokens).first(size_t(seen)); }
  /// Whether its first tokens need not go through the model if what comes of them is known.
  bool canReuse() const { return !scoresPrompt(); }
  /// The model has seen the first `count` tokens in another text. 0: their pages were taken away.
  void setSeen(int64_t count) { seen = count; }

  /// Which rows of logits the next `count` tokens are wanted for.
  LogitRows rowsOf(int64_t count) const;
  /// Whether the logits themselves are wanted, not only the likeliest.
  bool wantsLogits() const;

  /// A step with the next `count` tokens, in three parts: beginStep(); useRow() for each row of
  /// logits that rowsOf(count) asked for, in any order and side by side; endStep(), which tells the
  /// listener.
  void beginStep(int64_t count);
  /// `index` of those rows, which is `logits`. `likeliest`: its likeliest token; -1: not known.
  absl::Status useRow(int64_t index, std::span<const float> logits, int32_t likeliest);
  void endStep();

  /// Why no token may follow.
  std::optional<FinishReason> finished() const { return reason; }

private:
  /// The token that a step ends with.
  struct Choice {
    int32_t token;
    bool ends;                       // the text, of which it is no part
    std::vector<ScoredToken> scores; // one, where log-probabilities were asked for
  };
  absl::Status scorePrompt(int64_t position, std::span<const float> logits);
  absl::StatusOr<Choice> choose(std::span<const float> logits, int32_t likeliest);
  absl::StatusOr<int32_t> sample(std::span<const float> logits, int32_t likeliest);
  absl::Status restrict(std::span<float> logits) const;
  void push(Choice choice);
  bool mayEnd() const;
  bool endsText(int32_t token) const;
  bool mustEnd() const { return matcher && matcher->mustEnd(); }
  bool scoresPrompt() const { return asked.promptLogProbs && !promptTold; }

  const RequestId number;
  const Request asked;
  const std::shared_ptr<Listener> hearer;
  std::vector<int32_t> ends;
  std::vector<int32_t> tokens;
  int64_t seen = 0;
  int64_t inStep = 0;                    // tokens of the step
  std::vector<ScoredToken> promptScores; // of tokens from the second on
  size_t scoredBefore = 0;               // the step; perhaps before the pages were taken away
  std::optional<Choice> chosen;
  bool promptTold = false;
  Sampler sampler;
  LogitAdjuster adjuster;
  std::optional<grammar::Matcher> matcher; // where there is a grammar
  std::vector<float> adjusted;             // scratch: a row
  Detokenizer decoder;
  StopTexts stops;
  std::optional<FinishReason> reason;
};

} // namespace strata::serving
