//===- Sampler.h - logits to the next token ---------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/engine/Likeliest.h"

#include <cstdint>
#include <span>

namespace strata {

/// How the next token is chosen. Filters apply in this order: temperature, top-k, min-p, top-p.
struct SamplingParams {
  float temperature = 0; // [0, 10]; 0: always the most likely token
  int32_t topK = 0;      // keep the K most likely; 0: all
  float topP = 1;        // (0, 1]: keep the fewest most likely that reach this probability; 1: all
  float minP = 0; // [0, 1]: drop tokens less likely than this share of the likeliest; 0: none
  uint64_t seed = 0;

  /// Whether the choice is always the likeliest token.
  bool greedy() const { return temperature == 0 || topK == 1; }
  /// INVALID_ARGUMENT names the field, what it may be and what it is.
  absl::Status validate() const;
};

/// One choice of a token, as a device is told of it: four 64-bit words.
struct Draw {
  float scale = 0;          // log2(e) / temperature; 0: the likeliest token, whatever else is here
  uint32_t topK = 0;        // 0: all
  uint64_t topP = 0;        // in units of 2^-64; 0: all
  uint64_t leastWeight = 0; // tokens of a lower tokenWeight() are dropped
  uint64_t random = 0;      // in units of 2^-64 of what is left

  bool greedy() const { return scale == 0; }
};
static_assert(sizeof(Draw) == 32);

/// The token that is drawn from `logits`. Tokens are ordered by their logits and then by their ids,
/// lower ones first of equal logits: top-k and top-p keep the first of them. What is left is as
/// wide as it weighs, side by side in the order of ids, and `random` falls on one of them. Errors
/// as Sampler::sample has them.
int32_t drawToken(std::span<const float> logits, const Draw &draw, AllowedTokens allowed = {});

/// Chooses tokens of one sequence. The choice is a function of the parameters, the logits and the
/// position alone: no state, no dependence on threads, other sequences, the device or the C
/// library's exp.
///
/// Each thread that samples keeps scratch memory of about 20 bytes a logit, whatever the number of
/// samplers: texts come and go, and there may be many.
class Sampler {
public:
  /// `params` must be valid.
  explicit Sampler(const SamplingParams &params) : params(params) {}

  /// The id of the next token. `position` is the index of the token in its sequence; two draws of
  /// one seed at different positions are independent. Equal logits count from the lowest id.
  /// -infinity is a token that is never chosen; NaN, +infinity, no logits at all or only -infinity
  /// are errors that name the index.
  absl::StatusOr<int32_t> sample(std::span<const float> logits, uint64_t position) const {
    return likeliestToken(drawToken(logits, drawAt(position)), int64_t(logits.size()));
  }
  /// The same choice, for whoever has the logits.
  Draw drawAt(uint64_t position) const;

private:
  SamplingParams params;
};

} // namespace strata
