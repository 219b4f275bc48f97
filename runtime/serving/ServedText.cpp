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

int64_t ServedText::mostDrafts() const {
  if (reason || scoresPrompt() || pending().size() != 1)
    return 0;
  // A step brings a token beside its drafts.
  return std::min({asked.mostDrafts, kMostDrafts, asked.mostTokens - generatedTokens() - 1});
}

void ServedText::setDrafts(std::vector<int32_t> guesses) {
  drafted = std::move(guesses);
  withDrafts.assign(pending().begin(), pending().end());
  withDrafts.insert(withDrafts.end(), drafted.begin(), drafted.end());
}

std::span<const int32_t> ServedText::stepTokens(int64_t count) const {
  return drafted.empty() ? pending().first(size_t(count)) : std::span(withDrafts);
}

LogitRows ServedText::rowsOf(int64_t count) const {
  if (scoresPrompt() || !drafted.empty())
    return LogitRows::all;
  return count == int64_t(pending().size()) ? LogitRows::last : LogitRows::none;
}

int64_t ServedText::rowCount(int64_t count) const {
  const LogitRows rows = rowsOf(count);
  return rows == LogitRows::all ? count + drafts() : rows == LogitRows::last;
}

/// Of the token that the row is behind.
int64_t ServedText::positionOf(int64_t index, int64_t count) const {
  return scoresPrompt() || !drafted.empty() ? seen + index : seen + count - 1;
}

void ServedText::beginStep(int64_t count) {
  inStep = count;
  chosen.assign(drafted.size() + 1, absl::InternalError("a row was not told"));
  allowed.assign(drafted.size() + 1, std::nullopt);
  if (!scoresPrompt())
    return;
  scoredBefore = promptScores.size();
  const auto scored = size_t(std::min(seen + count, int64_t(asked.prompt.size()) - 1));
  promptScores.resize(std::max(scoredBefore, scored));
}

absl::Status ServedText::useRow(int64_t index, std::span<const float> logits,
                                absl::StatusOr<int32_t> token) {
  const int64_t position = positionOf(index, inStep);
  if (position + 1 < int64_t(asked.prompt.size()))
    return scorePrompt(position, logits);
  if (asked.mostTokens > 0) {
    const int64_t draftsBefore = position + 1 - length();
    chosen[size_t(draftsBefore)] = choose(draftsBefore, logits, std::move(token));
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

/// As if all drafts before it were accepted: else nobody asks what follows.
absl::StatusOr<ServedText::Choice> ServedText::choose(int64_t draftsBefore,
                                                      std::span<const float> logits,
                                                      absl::StatusOr<int32_t> token) const {
  STRATA_TRY(allowed[size_t(draftsBefore)].status());
  if (!adjuster.none())
    token = likeliestToken(drawAdjusted(draftsBefore, logits), int64_t(logits.size()));
  STRATA_TRY(token.status());
  Choice choice{*token, {}};
  if (asked.topLogProbs >= 0) {
    STRATA_ASSIGN(choice.scores.emplace_back(),
                  scoreToken(logits, choice.token, asked.topLogProbs));
  }
  return choice;
}

int32_t ServedText::drawAdjusted(int64_t draftsBefore, std::span<const float> logits) const {
  thread_local std::vector<float> adjusted;
  adjusted.assign(logits.begin(), logits.end());
  if (draftsBefore == 0) {
    adjuster.adjust(adjusted);
  } else {
    LogitAdjuster then = adjuster;
    for (int32_t token : std::span(drafted).first(size_t(draftsBefore)))
      then.addGenerated(token);
    then.adjust(adjusted);
  }
  const Draw draw = sampler.drawAt(uint64_t(length() + draftsBefore));
  const auto &tokens = *allowed[size_t(draftsBefore)];
  return drawToken(adjusted, draw, tokens ? tokens->words() : AllowedTokens());
}

/// Of no grammar: nothing.
absl::StatusOr<std::optional<grammar::TokenSet>>
ServedText::allowedBehind(int64_t draftsBefore) const {
  if (!matcher)
    return std::nullopt;
  const bool isLong = generatedTokens() + draftsBefore >= asked.leastTokens;
  // An error behind a draft that may not follow is never asked for: the draft is not accepted.
  return matcher->allowedBehind(std::span(drafted).first(size_t(draftsBefore)), ends, isLong);
}

RowOutput ServedText::outputOf(int64_t index) {
  const int64_t position = positionOf(index, inStep);
  if (position + 1 < int64_t(asked.prompt.size()))
    return {.logits = true};
  if (asked.mostTokens == 0)
    return {};
  const int64_t draftsBefore = position + 1 - length();
  auto &tokens = allowed[size_t(draftsBefore)] = allowedBehind(draftsBefore);
  if (!tokens.ok())
    return {};
  if (!adjuster.none())
    return {.logits = true};
  return {.draw = sampler.drawAt(uint64_t(position + 1)),
          .logits = asked.topLogProbs >= 0,
          .allowed = *tokens ? (*tokens)->words() : AllowedTokens()};
}

absl::Status ServedText::endStep() {
  seen += std::exchange(inStep, 0);
  if (!pending().empty())
    return absl::OkStatus();
  if (scoresPrompt()) {
    promptTold = true;
    hearer->promptScored(std::exchange(promptScores, {}));
  }
  if (asked.mostTokens > 0)
    return pushChoices();
  reason = FinishReason::length;
  return absl::OkStatus();
}

/// What follows the last token, and what follows a draft as long as that is what was chosen.
absl::Status ServedText::pushChoices() {
  const std::vector<int32_t> drafts = std::exchange(drafted, {});
  accepted = 0;
  for (;;) {
    STRATA_ASSIGN(Choice choice, std::move(chosen[size_t(accepted)]));
    const int32_t token = choice.token;
    STRATA_TRY(push(std::move(choice)));
    if (reason || accepted == int64_t(drafts.size()) || drafts[size_t(accepted)] != token)
      return absl::OkStatus();
    ++accepted;
    ++seen; // the draft went through the model
  }
}

/// Before there are as many tokens as are wanted at least, a text ends only where its grammar lets
/// nothing else follow.
bool ServedText::mayEnd() const { return generatedTokens() >= asked.leastTokens || mustEnd(); }

bool ServedText::endsText(int32_t token) const {
  return mayEnd() && std::find(ends.begin(), ends.end(), token) != ends.end();
}

absl::Status ServedText::push(Choice choice) {
  const int32_t token = choice.token;
  const bool isEnd = endsText(token);
  if (matcher && !isEnd)
    STRATA_TRY(matcher->pushToken(token));
  Generated part;
  part.scores = std::move(choice.scores);
  tokens.push_back(token);
  part.tokens.push_back(token);
  adjuster.addGenerated(token);
  std::string text;
  if (!isEnd)
    text = decoder.push(token);
  if (isEnd || (ends.empty() && mustEnd()))
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
  return absl::OkStatus();
}

} // namespace strata::serving
