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
                 const SamplingParams &sampling, int64_t chunk, Console &console)
    : engine(engine), sampler(sampling), chunk(chunk), console(console), sequence(engine.open()),
      empty(tokenizer, engine.context(), std::move(rules)) {}

absl::Status Session::clear() {
  STRATA_TRY(engine.rewind(sequence, 0));
  content = empty;
  return absl::OkStatus();
}

absl::Status Session::run(std::span<const int32_t> prompt, int64_t most) {
  Interruptible interrupt;
  GeneratedText before = content;
  STRATA_TRY(content.begin(prompt, most));
  auto result = feedPrompt(interrupt);
  if (!result.ok()) {
    content = std::move(before);
    STRATA_TRY(engine.rewind(sequence, content.seen()));
    return absl::IsCancelled(result.status()) ? absl::OkStatus() : result.status();
  }
  for (;;) {
    Stopwatch watch;
    STRATA_ASSIGN(int32_t token, result->token(0));
    ++tokens;
    STRATA_TRY(console.write(content.push(token)));
    if (interrupt.stopAsked())
      STRATA_TRY(console.write(content.cancel()));
    if (content.finished())
      return absl::OkStatus();
    result = feedToken();
    STRATA_TRY(result.status());
    generated.seconds += watch.seconds();
  }
}

RowOutput Session::nextToken(int64_t position) const {
  return {.draw = sampler.drawAt(uint64_t(position))};
}

absl::StatusOr<StepResult> Session::feedPrompt(const Interruptible &interrupt) {
  Stopwatch watch;
  const auto size = int64_t(content.pending().size());
  auto proceed = [&](int64_t done) {
    if (done > 0)
      console.progress(absl::StrFormat("prompt: %d of %d tokens", done, size));
    return !interrupt.stopAsked();
  };
  STRATA_ASSIGN(StepResult result, prefill(engine, sequence, content.pending(), chunk, proceed,
                                           nextToken(content.seen() + size)));
  content.markSeen(size);
  prompts.add(size, watch.seconds(), result.work);
  return result;
}

absl::StatusOr<StepResult> Session::feedToken() {
  BatchEntry entry{sequence, content.pending(), LogitRows::last};
  const RowOutput output = nextToken(content.seen() + 1);
  STRATA_ASSIGN(StepResult result, engine.step({&entry, 1}, {&output, 1}));
  content.markSeen(1);
  generated.add(1, 0, result.work);
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

std::string describeSpeed(const Session &session, double readCeiling) {
  const Speed &prompt = session.promptSpeed(), &generated = session.generatedSpeed();
  if (prompt.tokens == 0)
    return "nothing was run";
  std::string text =
      absl::StrFormat("prompt: %d tokens, %.1f tok/s; generated: %d tokens", prompt.tokens,
                      double(prompt.tokens) / prompt.seconds, session.generatedTokens());
  return generated.tokens == 0 ? text
                               : absl::StrCat(text, ", ", describeRate(generated, readCeiling));
}

} // namespace strata
