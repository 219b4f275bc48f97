//===- Perplexity.cpp - the likelihood of a text, window by window --------===//

#include "tools/score/Perplexity.h"

#include "runtime/base/Status.h"

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

std::vector<int32_t> tokensOf(const Window &window, std::span<const int32_t> tokens,
                              std::optional<int32_t> begin) {
  std::vector<int32_t> text(tokens.begin() + ptrdiff_t(window.begin),
                            tokens.begin() + ptrdiff_t(window.end));
  if (begin)
    text[0] = *begin;
  return text;
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

std::vector<std::pair<size_t, size_t>> logitRanges(std::span<const Window> windows) {
  std::vector<std::pair<size_t, size_t>> ranges;
  size_t begin = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    const bool overlapped = i + 1 < windows.size() && windows[i + 1].begin < windows[i].end;
    const size_t end = windows[i].end - overlapped; // what comes last scores the next one's first
    ranges.emplace_back(begin, end);
    begin = end;
  }
  return ranges;
}

absl::StatusOr<Perplexity>
measurePerplexity(Engine &engine, std::span<const int32_t> tokens, std::span<const Window> windows,
                  const PerplexityOptions &options,
                  absl::FunctionRef<absl::Status(const WindowScores &)> told) {
  Perplexity result;
  Scorer scorer(engine);
  const std::vector<std::pair<size_t, size_t>> ranges = logitRanges(windows);
  for (size_t i = 0; i < windows.size(); ++i) {
    const Window &window = windows[i];
    const std::vector<int32_t> text = tokensOf(window, tokens, options.begin);
    const size_t first = window.first - window.begin;
    STRATA_ASSIGN(auto scores, !options.logits ? scorer.score(text, first)
                                               : scorer.score(text, first,
                                                              {ranges[i].first - window.begin,
                                                               ranges[i].second - window.begin,
                                                               options.logits}));
    for (const TokenScore &score : scores)
      result.add(score.logProbability);
    STRATA_TRY(told({i + 1, window, scores, result}));
  }
  return result;
}

} // namespace strata
