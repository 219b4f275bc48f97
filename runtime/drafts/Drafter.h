//===- Drafter.h - what guesses how texts go on -----------------*- C++ -*-===//
//
// Speculative decoding: a step of a few tokens costs little more than one of a single token, so
// tokens that may follow are guessed cheaply and the model judges all of them in one step
// (Leviathan, Kalman, Matias, arXiv 2211.17192; Chen et al., arXiv 2302.01318). Drafts here are
// single tokens, not distributions. A draft stays where the token that is sampled behind the ones
// before it, by the text's own random numbers, is the same; else the sampled token takes its place.
// So every token of a text is sampled from the model's own distribution, whatever was drafted: it
// is the rejection sampling of these papers for a draft that has all of the probability. Draft x is
// accepted with p(x), and what replaces it is distributed as p without x.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/status.h"
#include "runtime/engine/Sampler.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// Most tokens that are drafted for a text in a step.
inline constexpr int64_t kMostDrafts = 15;

/// A text that is to be guessed further.
struct DraftRequest {
  int32_t text;                     // of Drafter::open()
  std::span<const int32_t> tokens;  // all there are: they begin with those of the call before
  int64_t most;                     // tokens to guess, at least 1
  const Sampler *sampler = nullptr; // what the text is sampled with; null: by the likeliest token
  std::vector<int32_t> drafts = {}; // the answer: at most `most`, perhaps none
};

/// Guesses how texts go on. Threads: as an engine, it is made, called and destroyed by one.
class Drafter {
public:
  virtual ~Drafter() = default;

  /// A text that will be asked for; its number, until close().
  virtual int32_t open() = 0;
  virtual void close(int32_t text) = 0;
  /// Answers requests of different texts, all at once.
  virtual absl::Status draft(std::span<DraftRequest> requests) = 0;
  /// Seconds that a further token of each text takes, as measured; 0: nothing to speak of.
  virtual double secondsOfToken() const { return 0; }
};

} // namespace strata
