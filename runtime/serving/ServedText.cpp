//===- ServedText.cpp - a request and how far it is -----------------------===//

#include "runtime/serving/ServedText.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <utility>

namespace strata::serving {
namespace {

absl::Status outside(const char *field, int64_t low, int64_t high, int64_t found) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": expected an integer in [", low, ", ", high, "], found ", found));
}

absl::Status checkTokens(const char *field, std::span<const int32_t> tokens, int64_t vocabulary) {
  for (int32_t token : tokens)
    if (token < 0 || token >= vocabulary)
      return outside(field, 0, vocabulary - 1, token);
  return absl::OkStatus();
}

} // namespace

absl::Status Request::validate(int64_t vocabulary, int64_t context) const {
  if (prompt.empty())
    return absl::InvalidArgumentError("prompt: expected at least 1 token, found none");
  STRATA_TRY(checkTokens("prompt", prompt, vocabulary));
  STRATA_TRY(checkTokens("stop_token_ids", stopTokens, vocabulary));
  if (mostTokens < 0 || leastTokens < 0)
    return outside(mostTokens < 0 ? "max_tokens" : "min_tokens", 0, context,
                   std::min(mostTokens, leastTokens));
  if (int64_t(prompt.size()) + mostTokens > context)
    return absl::OutOfRangeError(absl::StrCat("prompt: expected at most ", context,
                                              " tokens (the context) with max_tokens, ", "found ",
                                              prompt.size(), " and ", mostTokens));
  if (leastTokens > mostTokens)
    return outside("min_tokens", 0, mostTokens, leastTokens);
  if (topLogProbs < -1 || topLogProbs > kMostTopLogProbs)
    return outside("logprobs", 0, kMostTopLogProbs, topLogProbs);
  if (stopTexts.size() > kMostStopTexts)
    return absl::InvalidArgumentError(absl::StrCat("stop: expected at most ", kMostStopTexts,
                                                   " strings, found ", stopTexts.size()));
  for (const std::string &text : stopTexts)
    if (text.empty() || text.size() > kMostStopBytes)
      return absl::InvalidArgumentError(absl::StrCat(
          "stop: expected strings of 1 to ", kMostStopBytes, " bytes, found ", text.size()));
  STRATA_TRY(adjustments.validate(vocabulary));
  return sampling.validate();
}

ServedText::ServedText(RequestId id, Request request, std::shared_ptr<Listener> listener,
                       const Tokenizer &tokenizer, std::span<const int32_t> modelEnds)
    : number(id), asked(std::move(request)), hearer(std::move(listener)), ends(asked.stopTokens),
      tokens(asked.prompt), sampler(asked.sampling), adjuster(asked.adjustments),
      decoder(tokenizer, Detokenizer::Start::continuation), stops(asked.stopTexts) {
  if (!asked.ignoreEnd)
    ends.insert(ends.end(), modelEnds.begin(), modelEnds.end());
  adjuster.addPrompt(asked.prompt);
}

LogitRows ServedText::rowsOf(int64_t count) const {
  if (scoresPrompt())
    return LogitRows::all;
  return count == int64_t(pending().size()) ? LogitRows::last : LogitRows::none;
}

bool ServedText::wantsLogits() const {
  return !asked.sampling.greedy() || !adjuster.none() || asked.topLogProbs >= 0 || scoresPrompt();
}

absl::Status ServedText::advance(int64_t count, const StepResult &result, int64_t first) {
  const LogitRows rows = rowsOf(count);
  if (scoresPrompt())
    STRATA_TRY(scorePrompt(count, result, first));
  seen += count;
  if (!pending().empty())
    return absl::OkStatus();
  if (scoresPrompt()) {
    promptTold = true;
    hearer->promptScored(std::exchange(promptScores, {}));
  }
  if (asked.mostTokens == 0) {
    reason = FinishReason::length;
    return absl::OkStatus();
  }
  const int64_t row = rows == LogitRows::all ? first + count - 1 : first;
  STRATA_ASSIGN(const int32_t token, sample(result, row));
  return push(token, result, row);
}

/// Row i of the logits says how likely the token behind the i-th is.
absl::Status ServedText::scorePrompt(int64_t count, const StepResult &result, int64_t first) {
  for (int64_t i = 0; i < count && seen + i + 1 < int64_t(asked.prompt.size()); ++i) {
    if (seen + i != int64_t(promptScores.size()))
      continue; // scored before the pages were taken away
    STRATA_ASSIGN(ScoredToken score,
                  scoreToken(result.row(first + i), asked.prompt[size_t(seen + i + 1)],
                             std::max<int64_t>(asked.topLogProbs, 0)));
    promptScores.push_back(std::move(score));
  }
  return absl::OkStatus();
}

absl::StatusOr<int32_t> ServedText::sample(const StepResult &result, int64_t row) {
  if (asked.sampling.greedy() && adjuster.none() && !result.likeliest.empty())
    return result.likeliest[size_t(row)];
  const std::span<const float> logits = result.row(row);
  if (adjuster.none())
    return sampler.sample(logits, uint64_t(length()));
  adjusted.assign(logits.begin(), logits.end());
  adjuster.adjust(adjusted);
  return sampler.sample(adjusted, uint64_t(length()));
}

bool ServedText::endsText(int32_t token) const {
  return generatedTokens() > asked.leastTokens &&
         std::find(ends.begin(), ends.end(), token) != ends.end();
}

absl::Status ServedText::push(int32_t token, const StepResult &result, int64_t row) {
  Generated part;
  if (asked.topLogProbs >= 0) {
    STRATA_ASSIGN(ScoredToken score, scoreToken(result.row(row), token, asked.topLogProbs));
    part.scores.push_back(std::move(score));
  }
  tokens.push_back(token);
  part.tokens.push_back(token);
  adjuster.addGenerated(token);
  std::string text;
  if (endsText(token))
    reason = FinishReason::stop;
  else
    text = decoder.push(token);
  if (!reason && generatedTokens() == asked.mostTokens)
    reason = FinishReason::length;
  if (reason)
    text += decoder.flush();
  if (generatedTokens() > asked.leastTokens)
    part.text = stops.push(text);
  else
    part.text = stops.flush() + text;
  if (stops.found())
    reason = FinishReason::stop;
  else if (reason)
    part.text += stops.flush();
  hearer->generated(std::move(part));
  return absl::OkStatus();
}

} // namespace strata::serving
