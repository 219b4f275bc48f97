//===- Session.h - one text on an engine, shown on a console ----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/drafts/DraftedSequence.h"
#include "runtime/engine/Engine.h"
#include "runtime/engine/Sampler.h"
#include "runtime/text/GeneratedText.h"
#include "tools/command_line/Console.h"
#include "tools/command_line/GrammarOptions.h"
#include "tools/command_line/Interrupt.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

namespace strata {

/// Tokens that went through the model, and what that took.
struct Speed {
  int64_t tokens = 0;
  double seconds = 0;
  Work work;

  void add(int64_t count, double duration, const Work &done) {
    tokens += count;
    seconds += duration;
    work += done;
  }
};

/// One sequence of an engine, fed with prompts and continued by sampling; the text is written to
/// stdout as it comes. Uses what it is given, which must outlive it. `drafter` null: steps have one
/// token. `grammar` null: what follows a prompt may be any text.
class Session {
public:
  Session(Engine &engine, const Tokenizer &tokenizer, StopRules rules,
          const SamplingParams &sampling, int64_t chunk, Console &console,
          Drafter *drafter = nullptr, TextGrammar *grammar = nullptr);
  ~Session() { (void)engine.close(sequence); } // it is open

  /// Adds `prompt` to the text and writes up to `most` tokens that follow, until the model ends the
  /// text, the context is full or Ctrl-C is pressed.
  absl::Status run(std::span<const int32_t> prompt, int64_t most);
  /// Begins a new text.
  absl::Status clear();

  const GeneratedText &text() const { return content; }
  const Speed &promptSpeed() const { return prompts; }
  /// Of the tokens after the first; without drafts, each of them took a step of its own.
  const Speed &generatedSpeed() const { return generated; }
  int64_t generatedTokens() const { return tokens; }
  const DraftCounts &draftCounts() const { return drafted.counts(); }

private:
  absl::StatusOr<StepResult> feedPrompt(const Interruptible &interrupt);
  absl::StatusOr<StepResult> feedTokens();
  absl::StatusOr<AllowedTokens> allowedBehind(std::span<const int32_t> drafts);
  absl::Status write(const StepResult &result, const Interruptible &interrupt);
  absl::Status push(int32_t token);

  Engine &engine;
  Sampler sampler;
  const int64_t chunk;
  Console &console;
  const Sequence sequence;
  DraftedSequence drafted;
  TextGrammar *const grammar;
  std::optional<grammar::Matcher> matcher; // of what follows the last prompt
  std::deque<grammar::TokenSet> allowed;   // of the step's rows; they stay where they are
  const GeneratedText empty;
  GeneratedText content = empty;
  Speed prompts, generated;
  int64_t tokens = 0; // generated
  int64_t left = 0;   // of those that run() is to generate
};

/// "12.3 tok/s, 4.5 GB/s, …": the bytes a second of tokens that were generated beside
/// `readCeiling`, what was measured for a mere read; 0: it was not.
std::string describeRate(const Speed &generated, double readCeiling);

/// "12 of 20 drafts accepted (60%), 1.8 tokens a step"; `generated`: tokens after the first; empty
/// where there were no drafts.
std::string describeDrafts(const DraftCounts &counts, int64_t generated);

/// "prompt: 5 tokens, 312.0 tok/s; generated: 9 tokens, …", with describeRate() and
/// describeDrafts().
std::string describeSpeed(const Session &session, double readCeiling);

} // namespace strata
