//===- Generation.h - a text that grows -------------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/engine/Engine.h"
#include "runtime/engine/Sampler.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "tools/command_line/Console.h"
#include "tools/command_line/Interrupt.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

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

/// One sequence of an engine, fed with prompts and continued by sampling. Uses what it is given,
/// which must outlive it.
class Generation {
public:
  Generation(Engine &engine, const Tokenizer &tokenizer, const SamplingParams &sampling,
             int64_t chunk, Console &console);
  ~Generation() { engine.close(sequence); }

  /// Adds `prompt` to the text and writes up to `most` tokens that follow, until the model ends the
  /// text, the context is full or Ctrl-C is pressed.
  absl::Status run(std::span<const int32_t> prompt, int64_t most);

  /// Tokens of the text so far, prompts included.
  int64_t length() const { return engine.length(sequence) + int64_t(pending.size()); }
  /// Begins a new text.
  void clear();

  /// Instead of the model's own, the tokens that end a text.
  void stopAt(std::vector<int32_t> tokens) { stops = std::move(tokens); }
  /// Takes the token back that ended the text, if one did: it has not been through the model.
  void dropEnd();
  /// Whether what was generated last ends with the end of a line.
  bool endsLine() const { return lineEnded; }

  const Speed &promptSpeed() const { return prompts; }
  /// Of the tokens after the first, each of which took a step of its own.
  const Speed &generatedSpeed() const { return generated; }
  int64_t generatedTokens() const { return tokens; }

private:
  absl::StatusOr<StepResult> feedPrompt(std::span<const int32_t> prompt,
                                        const Interruptible &interrupt);
  absl::StatusOr<StepResult> feedToken(int32_t token);
  absl::StatusOr<int32_t> choose(const StepResult &result);
  bool endsText(int32_t token) const;
  absl::Status write(const std::string &text);

  Engine &engine;
  const Tokenizer &tokenizer;
  Sampler sampler;
  const StepOutput output; // what the sampler needs
  const int64_t chunk;
  Console &console;
  Sequence sequence;
  std::vector<int32_t> pending; // tokens of the text that have not been through the model
  std::vector<int32_t> stops;
  bool ended = false, lineEnded = false;
  Speed prompts, generated;
  int64_t tokens = 0; // generated
};

/// "prompt: 5 tokens, 312.0 tok/s; generated: …", with the bytes a second of the generation beside
/// `readCeiling`, what was measured for a mere read.
std::string describeSpeed(const Generation &generation, double readCeiling);

} // namespace strata
