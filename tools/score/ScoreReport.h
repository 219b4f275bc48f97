//===- ScoreReport.h - what strata-score writes -----------------*- C++ -*-===//
#pragma once

#include "tools/score/Divergence.h"
#include "tools/score/Pairs.h"
#include "tools/score/Perplexity.h"

#include <cstdint>
#include <string>

namespace strata {

enum class ScoreFormat { text, json, tokens };

/// How a text was scored.
struct TextMethod {
  std::string file;
  int64_t context; // tokens of a window
  int64_t stride;  // 0: chunks
};

/// A text's perplexity: lines for people, or a line of JSON.
std::string describeText(ScoreFormat format, const TextMethod &method, size_t tokens,
                         const Perplexity &result);

/// How far the model is from its base, likewise.
std::string describeDivergence(ScoreFormat format, const TextMethod &method, size_t tokens,
                               const Divergence &result);

/// A line of JSON about the tokens that a window scored: which of the text's they are, "first" and
/// those behind it, their ids and log p.
std::string describeWindow(const WindowScores &scores, std::span<const int32_t> tokens);

/// A line about a pair's continuation; with ScoreFormat::tokens, the ids and log p of its tokens.
std::string describePair(ScoreFormat format, const EncodedPair &pair, const PairScore &score);

} // namespace strata
