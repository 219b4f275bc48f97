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
  if (grammar && ignoreEnd)
    return absl::InvalidArgumentError("ignore_eos: is not supported beside a grammar");
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
  if (asked.grammar)
    matcher.emplace(asked.grammar);
}

LogitRows ServedText::rowsOf(int64_t count) const {
  if (scoresPrompt())
    return LogitRows::all;
  return count == int64_t(pending().size()) ? LogitRows::last : LogitRows::none;
}

bool ServedText::wantsLogits() const {
  return !asked.sampling.greedy() || !adjuster.none() || matcher || asked.topLogProbs >= 0 ||
         scoresPrompt();
}

void ServedText::beginStep(int64_t count) {
  inStep = count;
  if (!scoresPrompt())
    return;
  scoredBefore = promptScores.size();
  const auto scored = size_t(std::min(seen + count, int64_t(asked.prompt.size()) - 1));
  promptScores.resize(std::max(scoredBefore, scored));
}

absl::Status ServedText::useRow(int64_t index, std::span<const float> logits, int32_t likeliest) {
  const int64_t position = scoresPrompt() ? seen + index : seen + inStep - 1;
  if (position + 1 < int64_t(asked.prompt.size()))
    return scorePrompt(position, logits);
  if (asked.mostTokens > 0) {
    STRATA_ASSIGN(chosen, choose(logits, likeliest));
  }
  return absl::OkStatus();
}

/// The row behind a token says how likely the next one is.
absl::Status ServedText::scorePrompt(int64_t position, std::span<const float> logits) {
  if (size_t(position) < scoredBefore)
    return absl::OkStatus();
  STRATA_ASSIGN(promptScores[size_t(position)],
                scoreToken(logits, asked.prompt[size_t(position) + 1],
                           std::max<int64_t>(asked.topLogProbs, 0)));
  return absl::OkStatus();
}

absl::StatusOr<ServedText::Choice> ServedText::choose(std::span<const float> logits,
                                                      int32_t likeliest) {
  Choice choice;
  STRATA_ASSIGN(choice.token, sample(logits, likeliest));
  choice.ends = endsText(choice.token);
  if (matcher && !choice.ends)
    STRATA_TRY(matcher->pushToken(choice.token));
  if (asked.topLogProbs >= 0) {
    STRATA_ASSIGN(choice.scores.emplace_back(),
                  scoreToken(logits, choice.token, asked.topLogProbs));
  }
  return choice;
}

absl::StatusOr<int32_t> ServedText::sample(std::span<const float> logits, int32_t likeliest) {
  const bool isPlain = adjuster.none() && !matcher;
  if (asked.sampling.greedy() && isPlain && likeliest >= 0)
    return likeliest;
  if (isPlain)
    return sampler.sample(logits, uint64_t(length()));
  adjusted.assign(logits.begin(), logits.end());
  adjuster.adjust(adjusted);
  if (matcher)
    STRATA_TRY(restrict(adjusted));
  return sampler.sample(adjusted, uint64_t(length()));
}

/// To what the grammar allows.
absl::Status ServedText::restrict(std::span<float> logits) const {
  return matcher->restrict(logits, ends, mayEnd());
}

void ServedText::endStep() {
  seen += std::exchange(inStep, 0);
  if (!pending().empty())
    return;
  if (scoresPrompt()) {
    promptTold = true;
    hearer->promptScored(std::exchange(promptScores, {}));
  }
  if (asked.mostTokens == 0)
    reason = FinishReason::length;
  else
    push(*std::exchange(chosen, std::nullopt));
}

/// Before there are as many tokens as are wanted at least, a text ends only where its grammar lets
/// nothing else follow.
bool ServedText::mayEnd() const { return generatedTokens() >= asked.leastTokens || mustEnd(); }

bool ServedText::endsText(int32_t token) const {
  return mayEnd() && std::find(ends.begin(), ends.end(), token) != ends.end();
}

void ServedText::push(Choice choice) {
  const int32_t token = choice.token;
  Generated part;
  part.scores = std::move(choice.scores);
  tokens.push_back(token);
  part.tokens.push_back(token);
  adjuster.addGenerated(token);
  std::string text;
  if (!choice.ends)
    text = decoder.push(token);
  if (choice.ends || (ends.empty() && mustEnd()))
    reason = FinishReason::stop;
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
}

} // namespace strata::serving
