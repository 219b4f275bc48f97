//===- Generation.cpp -----------------------------------------------------===//

#include "tools/run/Generation.h"

#include "absl/strings/str_format.h"
#include "runtime/base/Status.h"

#include <algorithm>
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

Generation::Generation(Engine &engine, const Tokenizer &tokenizer, const SamplingParams &sampling,
                       int64_t chunk, Console &console)
    : engine(engine), tokenizer(tokenizer), sampler(sampling),
      output(sampling.greedy() ? StepOutput::likeliest : StepOutput::logits), chunk(chunk),
      console(console), sequence(engine.open()) {
  const auto ends = items(engine.model().eos_tokens());
  stops.assign(ends.begin(), ends.end());
}

void Generation::clear() {
  engine.rewind(sequence, 0);
  pending.clear();
  ended = lineEnded = false;
}

void Generation::dropEnd() {
  if (ended)
    pending.clear();
  ended = false;
}

bool Generation::endsText(int32_t token) const {
  return std::find(stops.begin(), stops.end(), token) != stops.end();
}

absl::Status Generation::write(const std::string &text) {
  lineEnded = text.empty() ? lineEnded : text.back() == '\n';
  return console.write(text);
}

absl::Status Generation::run(std::span<const int32_t> prompt, int64_t most) {
  Interruptible interrupt;
  auto result = feedPrompt(prompt, interrupt);
  if (absl::IsCancelled(result.status()))
    return absl::OkStatus();
  Detokenizer text(tokenizer, Detokenizer::Start::continuation);
  ended = lineEnded = false;
  for (int64_t i = 0; i < most; ++i) {
    STRATA_TRY(result.status());
    Stopwatch watch;
    STRATA_ASSIGN(int32_t token, choose(*result));
    ++tokens;
    pending = {token};
    if ((ended = endsText(token)))
      break;
    STRATA_TRY(write(text.push(token)));
    if (interrupt.stopAsked() || i + 1 == most)
      break;
    result = feedToken(token);
    generated.seconds += watch.seconds();
  }
  return write(text.flush());
}

absl::StatusOr<int32_t> Generation::choose(const StepResult &result) {
  if (output == StepOutput::likeliest)
    return result.likeliest[0];
  return sampler.sample(result.row(0), uint64_t(engine.length(sequence)));
}

absl::StatusOr<StepResult> Generation::feedPrompt(std::span<const int32_t> prompt,
                                                  const Interruptible &interrupt) {
  Stopwatch watch;
  int64_t before = engine.length(sequence);
  std::vector<int32_t> fed = pending;
  fed.insert(fed.end(), prompt.begin(), prompt.end());
  auto result = prefill(
      engine, sequence, fed, chunk,
      [&](int64_t done) {
        if (done > 0)
          console.progress(absl::StrFormat("prompt: %d of %d tokens", done, fed.size()));
        return !interrupt.stopAsked();
      },
      output);
  if (!result.ok()) {
    engine.rewind(sequence, before);
    return result;
  }
  pending.clear();
  prompts.add(int64_t(fed.size()), watch.seconds(), result->work);
  return result;
}

absl::StatusOr<StepResult> Generation::feedToken(int32_t token) {
  BatchEntry entry{sequence, {&token, 1}, LogitRows::last};
  STRATA_ASSIGN(StepResult result, engine.step({&entry, 1}, output));
  pending.clear();
  generated.add(1, 0, result.work);
  return result;
}

std::string describeSpeed(const Generation &generation, double readCeiling) {
  const Speed &prompt = generation.promptSpeed(), &generated = generation.generatedSpeed();
  if (prompt.tokens == 0)
    return "nothing was run";
  std::string text =
      absl::StrFormat("prompt: %d tokens, %.1f tok/s; generated: %d tokens", prompt.tokens,
                      double(prompt.tokens) / prompt.seconds, generation.generatedTokens());
  if (generated.tokens == 0)
    return text;
  double rate = generated.work.bytes / generated.seconds;
  absl::StrAppendFormat(&text, ", %.1f tok/s, %.1f GB/s", generated.tokens / generated.seconds,
                        rate / 1e9);
  if (readCeiling > 0)
    absl::StrAppendFormat(&text, ", %.0f%% of %.1f GB/s (a mere read of the weights)",
                          100 * rate / readCeiling, readCeiling / 1e9);
  return text;
}

} // namespace strata
