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
  std::span<const int32_t> allTokens() const { return tokens; }
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

  /// How many tokens may be guessed for the next step, if that has the one token that is pending.
  int64_t mostDrafts() const;
  /// Guesses at what follows it, for the next step alone.
  void setDrafts(std::vector<int32_t> guesses);
  int64_t drafts() const { return int64_t(drafted.size()); }
  /// Of them, how many became part of the text in the latest step.
  int64_t acceptedDrafts() const { return accepted; }
  /// What a step that takes `count` of the pending tokens runs: these, and drafts.
  std::span<const int32_t> stepTokens(int64_t count) const;
  /// What the tokens are chosen with.
  const Sampler &usedSampler() const { return sampler; }

  /// Which rows of logits the next `count` tokens, with drafts, are wanted for; and how many.
  LogitRows rowsOf(int64_t count) const;
  int64_t rowCount(int64_t count) const;

  /// A step with the next `count` tokens and the drafts, in four parts: beginStep(); outputOf() for
  /// each row of logits that rowsOf(count) asks for; useRow() for each, once the model has run;
  /// both in any order and side by side; endStep(), which tells the listener. The model has then
  /// seen no more than seenTokens(): what else it holds of the step, drafts that were rejected, it
  /// must forget. Their rows may be no numbers.
  void beginStep(int64_t count);
  /// What is wanted of the `index`-th of those rows; valid until endStep().
  RowOutput outputOf(int64_t index);
  /// Of the `index`-th of those rows: `logits` and `token`, as far as outputOf() asked for them.
  absl::Status useRow(int64_t index, std::span<const float> logits, absl::StatusOr<int32_t> token);
  absl::Status endStep();

  /// Why no token may follow.
  std::optional<FinishReason> finished() const { return reason; }

private:
  /// What follows the last token, or a draft if it is accepted.
  struct Choice {
    int32_t token;
    std::vector<ScoredToken> scores; // one, where log-probabilities were asked for
  };
  absl::Status scorePrompt(int64_t position, std::span<const float> logits);
  int64_t positionOf(int64_t index, int64_t count) const;
  absl::StatusOr<std::optional<grammar::TokenSet>> allowedBehind(int64_t draftsBefore) const;
  absl::StatusOr<Choice> choose(int64_t draftsBefore, std::span<const float> logits,
                                absl::StatusOr<int32_t> token) const;
  int32_t drawAdjusted(int64_t draftsBefore, std::span<const float> logits) const;
  absl::Status pushChoices();
  absl::Status push(Choice choice);
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
  int64_t inStep = 0;                         // tokens of the step
  std::vector<ScoredToken> promptScores;      // of tokens from the second on
  size_t scoredBefore = 0;                    // the step; perhaps before the pages were taken away
  std::vector<int32_t> drafted, withDrafts;   // for the next step; behind the token that is pending
  int64_t accepted = 0;                       // of the latest step
  std::vector<absl::StatusOr<Choice>> chosen; // of the rows behind all tokens
  /// Of the same rows: what the grammar allows there.
  std::vector<absl::StatusOr<std::optional<grammar::TokenSet>>> allowed;
  bool promptTold = false;
  Sampler sampler;
  LogitAdjuster adjuster;
  std::optional<grammar::Matcher> matcher; // where there is a grammar
  Detokenizer decoder;
  StopTexts stops;
  std::optional<FinishReason> reason;
};

} // namespace strata::serving
