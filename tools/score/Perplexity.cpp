//===- Perplexity.cpp - the likelihood of a text, window by window --------===//

#include "tools/score/Perplexity.h"

#include "runtime/base/Status.h"
#include "tools/score/Score.h"

#include <algorithm>
#include <cmath>

namespace strata {

std::vector<Window> chunkWindows(size_t tokens, size_t context) {
  std::vector<Window> windows;
  for (size_t begin = 0; begin + context <= tokens; begin += context)
    windows.push_back({begin, begin + context / 2 + 1, begin + context});
  return windows;
}

std::vector<Window> stridedWindows(size_t tokens, size_t context, size_t stride) {
  std::vector<Window> windows;
  for (size_t begin = 0, seen = 0; seen < tokens; begin += stride) {
    size_t end = std::min(begin + context, tokens);
    windows.push_back({begin, std::max(seen, begin + 1), end});
    seen = end;
  }
  return windows;
}

void Perplexity::add(double logProbability) {
  ++tokens;
  sum -= logProbability;
  squaredSum += logProbability * logProbability;
}

double Perplexity::value() const { return std::exp(mean()); }

double Perplexity::error() const {
  double variance = squaredSum / double(tokens) - mean() * mean();
  return tokens < 2 ? 0 : value() * std::sqrt(std::max(variance, 0.0) / double(tokens - 1));
}

absl::StatusOr<Perplexity>
measurePerplexity(Engine &engine, std::span<const int32_t> tokens, std::span<const Window> windows,
                  std::optional<int32_t> begin,
                  absl::FunctionRef<void(size_t done, const Perplexity &)> progress) {
  Perplexity result;
  Scorer scorer(engine);
  size_t done = 0;
  for (const Window &window : windows) {
    std::vector<int32_t> text(tokens.begin() + ptrdiff_t(window.begin),
                              tokens.begin() + ptrdiff_t(window.end));
    if (begin)
      text[0] = *begin;
    STRATA_ASSIGN(auto scores, scorer.score(text, window.first - window.begin));
    for (const TokenScore &score : scores)
      result.add(score.logProbability);
    progress(++done, result);
  }
  return result;
}

} // namespace strata
