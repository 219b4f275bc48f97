//===- Perplexity.h - of a text, window by window ---------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/engine/Engine.h"
#include "tools/score/Score.h"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace strata {

/// Tokens [begin, end) of a text, of which those from `first` on are scored: begin < first < end.
struct Window {
  size_t begin, first, end;
  bool operator==(const Window &) const = default;
};

/// As llama-perplexity does: chunks of `context` tokens one behind the other, what is left at the
/// end unused. A chunk's tokens behind its middle one are scored, context - context / 2 - 1 of
/// them.
std::vector<Window> chunkWindows(size_t tokens, size_t context);

/// As Hugging Face's guide does: windows of `context` tokens, each beginning `stride` (1 to
/// `context`) behind the last, to the end of the text. The tokens that no window had before are
/// scored; in the end every token but the first was, once.
std::vector<Window> stridedWindows(size_t tokens, size_t context, size_t stride);

/// The tokens of a window, of which `begin`, if there is one, takes the first's place.
std::vector<int32_t> tokensOf(const Window &window, std::span<const int32_t> tokens,
                              std::optional<int32_t> begin);

/// exp of the mean of -log p over all scored tokens, each weighing the same. (The guide's program
/// weighs a window's mean by one token less than it has, which is seen in the fifth digit.)
struct Perplexity {
  int64_t tokens = 0;             // scored
  double sum = 0, squaredSum = 0; // of -log p, of its square

  void add(double logProbability);
  double mean() const { return sum / double(tokens); }
  double value() const;
  /// The standard error, from that of the mean as if tokens were independent; 0 for one token.
  double error() const;
};

/// The logits that each window gives, those behind the tokens [begin, end): together those behind
/// all tokens up to the last window's end, once. Where windows overlap, a token's are those that
/// the next one is scored by.
std::vector<std::pair<size_t, size_t>> logitRanges(std::span<const Window> windows);

/// What is told of each window when it is done.
struct WindowScores {
  size_t done; // windows by now
  const Window &window;
  std::span<const TokenScore> scores; // of its tokens [first, end)
  const Perplexity &soFar;
};

/// How windows are run, each a sequence of its own.
struct PerplexityOptions {
  std::optional<int32_t> begin; // takes the place of each window's first token, as BOS does in
                                // llama-perplexity
  LogitSink logits;             // none, or is given what logitRanges() says
};

/// Runs the windows. An error of `told`, or of the sink, ends it.
absl::StatusOr<Perplexity>
measurePerplexity(Engine &engine, std::span<const int32_t> tokens, std::span<const Window> windows,
                  const PerplexityOptions &options,
                  absl::FunctionRef<absl::Status(const WindowScores &)> told);

} // namespace strata
