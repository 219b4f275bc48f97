//===- Session.cpp - one text on an engine, shown on a console ------------===//

#include "tools/run/Session.h"

#include "absl/strings/str_format.h"
#include "runtime/base/Status.h"

#include <chrono>

namespace strata {
namespace {

class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

private:
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

} // namespace

Session::Session(Engine &engine, const Tokenizer &tokenizer, StopRules rules,
                 const SamplingParams &sampling, int64_t chunk, Console &console, Drafter *drafter,
                 TextGrammar *grammar)
    : engine(engine), sampler(sampling), chunk(chunk), console(console), sequence(engine.open()),
      drafted(engine, sequence, drafter), grammar(grammar),
      empty(tokenizer, engine.context(), std::move(rules)) {}

absl::Status Session::clear() {
  STRATA_TRY(engine.rewind(sequence, 0));
  drafted.restart();
  content = empty;
  return absl::OkStatus();
}

absl::Status Session::run(std::span<const int32_t> prompt, int64_t most) {
  Interruptible interrupt;
  const GeneratedText unchanged = content;
  if (grammar) {
    STRATA_ASSIGN(matcher, grammar->begin());
  }
  STRATA_TRY(content.begin(prompt, most));
  auto result = feedPrompt(interrupt);
  if (!result.ok()) {
    content = unchanged;
    STRATA_TRY(engine.rewind(sequence, content.seen()));
    return absl::IsCancelled(result.status()) ? absl::OkStatus() : result.status();
  }
  left = most;
  for (bool first = true;; first = false) {
    Stopwatch watch;
    const int64_t before = tokens;
    STRATA_TRY(write(*result, interrupt));
    generated.add(first ? 0 : tokens - before, 0, {});
    if (content.finished())
      return absl::OkStatus();
    result = feedTokens();
    STRATA_TRY(result.status());
    generated.add(0, watch.seconds(), result->work);
  }
}

/// Takes the tokens of a step's rows, each of which is the text's as long as the draft before it
/// is.
absl::Status Session::write(const StepResult &result, const Interruptible &interrupt) {
  const std::span<const int32_t> drafts = drafted.drafts();
  size_t accepted = 0;
  for (;; ++accepted) {
    STRATA_ASSIGN(const int32_t token, result.token(int64_t(accepted)));
    ++tokens;
    --left;
    STRATA_TRY(push(token));
    if (interrupt.stopAsked())
      STRATA_TRY(console.write(content.end(FinishReason::cancelled)));
    if (content.finished() || accepted == drafts.size() || drafts[accepted] != token)
      break;
    content.markSeen(1);
  }
  return drafted.settle(int64_t(accepted));
}

absl::Status Session::push(int32_t token) {
  STRATA_TRY(console.write(content.push(token)));
  if (!matcher || content.finished() == FinishReason::stop)
    return absl::OkStatus();
  STRATA_TRY(matcher->pushToken(token));
  const bool isComplete = content.stops().empty() && matcher->mustEnd();
  return isComplete ? console.write(content.end(FinishReason::stop)) : absl::OkStatus();
}

absl::StatusOr<AllowedTokens> Session::allowedBehind(std::span<const int32_t> drafts) {
  if (!matcher)
    return AllowedTokens();
  STRATA_ASSIGN(allowed.emplace_back(), matcher->allowedBehind(drafts, content.stops()));
  return allowed.back().words();
}

absl::StatusOr<StepResult> Session::feedPrompt(const Interruptible &interrupt) {
  Stopwatch watch;
  const auto size = int64_t(content.pending().size());
  auto proceed = [&](int64_t done) {
    if (done > 0)
      console.progress(absl::StrFormat("prompt: %d of %d tokens", done, size));
    return !interrupt.stopAsked();
  };
  allowed.clear();
  STRATA_ASSIGN(const AllowedTokens first, allowedBehind({}));
  STRATA_ASSIGN(StepResult result, prefill(engine, sequence, content.pending(), chunk, proceed,
                                           {.draw = sampler.drawAt(uint64_t(content.seen() + size)),
                                            .allowed = first}));
  content.markSeen(size);
  prompts.add(size, watch.seconds(), result.work);
  return result;
}

absl::StatusOr<StepResult> Session::feedTokens() {
  allowed.clear();
  const auto behind = [&](std::span<const int32_t> drafts) { return allowedBehind(drafts); };
  STRATA_ASSIGN(const StepResult result, drafted.step(content.tokens(), left - 1, sampler, behind));
  content.markSeen(int64_t(content.pending().size()));
  return result;
}

std::string describeRate(const Speed &generated, double readCeiling) {
  const double rate = generated.work.bytes / generated.seconds;
  std::string text = absl::StrFormat("%.1f tok/s, %.1f GB/s",
                                     double(generated.tokens) / generated.seconds, rate / 1e9);
  if (readCeiling > 0 &&
      rate > readCeiling) // small weights come from caches, or others disturbed it
    absl::StrAppendFormat(&text, ", more than a mere read of the weights now has (%.1f GB/s)",
                          readCeiling / 1e9);
  else if (readCeiling > 0)
    absl::StrAppendFormat(&text, ", %.0f%% of %.1f GB/s (a mere read of the weights)",
                          100 * rate / readCeiling, readCeiling / 1e9);
  return text;
}

std::string describeDrafts(const DraftCounts &counts, int64_t generated) {
  if (counts.tokens == 0)
    return "";
  // A step brings a token and the drafts that were accepted.
  return absl::StrFormat("%d of %d drafts accepted (%.0f%%), %.2f tokens a step", counts.accepted,
                         counts.tokens, 100 * counts.acceptance(),
                         double(generated) / (double(generated) - double(counts.accepted)));
}

std::string describeSpeed(const Session &session, double readCeiling) {
  const Speed &prompt = session.promptSpeed(), &generated = session.generatedSpeed();
  if (prompt.tokens == 0)
    return "nothing was run";
  std::string text =
      absl::StrFormat("prompt: %d tokens, %.1f tok/s; generated: %d tokens", prompt.tokens,
                      double(prompt.tokens) / prompt.seconds, session.generatedTokens());
  if (generated.tokens == 0)
    return text;
  const std::string drafts = describeDrafts(session.draftCounts(), generated.tokens);
  return absl::StrCat(text, ", ", describeRate(generated, readCeiling), drafts.empty() ? "" : "; ",
                      drafts);
}

} // namespace strata
