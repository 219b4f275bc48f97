//===- Score.cpp - how likely a model finds tokens ------------------------===//

#include "tools/score/Score.h"

#include "runtime/base/Status.h"
#include "runtime/engine/LogProbs.h"

#include <algorithm>
#include <cmath>

namespace strata {
namespace {

constexpr int64_t kMostRows = 512;
constexpr int64_t kMostLogitBytes = 256 << 20;

absl::StatusOr<TokenScore> scoreOf(std::span<const float> logits, int32_t token) {
  STRATA_ASSIGN(const ScoredToken scored, scoreToken(logits, token, /*count=*/0));
  if (!std::isfinite(scored.token.logProb))
    return absl::InternalError(absl::StrCat("logits: expected numbers, found a log-probability of ",
                                            scored.token.logProb));
  return TokenScore{scored.token.logProb, scored.greedy};
}

} // namespace

int64_t rowsAtOnce(int64_t vocabulary) {
  return std::clamp<int64_t>(kMostLogitBytes / int64_t(sizeof(float)) / vocabulary, 1, kMostRows);
}

absl::StatusOr<StepResult> Scorer::feed(std::span<const int32_t> tokens, LogitRows rows) {
  BatchEntry entry{sequence, tokens, rows};
  return engine.step({&entry, 1});
}

absl::Status Scorer::feedPrefix(std::span<const int32_t> tokens) {
  bool same = std::ranges::equal(tokens, prefix);
  STRATA_TRY(engine.rewind(sequence, same ? int64_t(prefix.size()) : 0));
  if (same)
    return absl::OkStatus();
  prefix.clear();
  for (size_t done = 0; done < tokens.size();) {
    size_t part = std::min(tokens.size() - done, size_t(kMostRows));
    STRATA_TRY(feed(tokens.subspan(done, part), LogitRows::none).status());
    done += part;
  }
  prefix.assign(tokens.begin(), tokens.end());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TokenScore>> Scorer::score(std::span<const int32_t> tokens,
                                                      size_t first) {
  const auto drop = [](std::span<const float>) { return absl::OkStatus(); };
  return score(tokens, first, {first - 1, tokens.size() - 1, drop});
}

absl::StatusOr<std::vector<TokenScore>> Scorer::score(std::span<const int32_t> tokens, size_t first,
                                                      const WantedLogits &wanted) {
  STRATA_TRY(feedPrefix(tokens.first(wanted.begin)));
  std::vector<TokenScore> scores;
  auto most = size_t(rowsAtOnce(engine.model().vocabulary()));
  // Row i of the logits says how likely token i + 1 is.
  for (size_t done = wanted.begin; done < wanted.end;) {
    size_t part = std::min(wanted.end - done, most);
    STRATA_ASSIGN(StepResult result, feed(tokens.subspan(done, part), LogitRows::all));
    STRATA_TRY(wanted.sink(result.logits));
    for (size_t next = std::max(done + 1, first); next < std::min(done + part + 1, tokens.size());
         ++next) {
      STRATA_ASSIGN(TokenScore score, scoreOf(result.row(int64_t(next - 1 - done)), tokens[next]));
      scores.push_back(score);
    }
    done += part;
  }
  return scores;
}

} // namespace strata
