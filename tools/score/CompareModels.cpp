//===- CompareModels.cpp - two models on the same text --------------------===//

#include "tools/score/CompareModels.h"

#include "runtime/base/Status.h"

#include <algorithm>

namespace strata {
namespace {

/// Compares the rows of a step with the base's; row i says how likely next[i] is.
absl::Status addRows(Device &device, const StepResult &model, const StepResult &base,
                     std::span<const int32_t> next, Divergence &result) {
  std::vector<absl::StatusOr<TokenDivergence>> rows(next.size());
  device.forEach(int64_t(next.size()), [&](int64_t i) {
    rows[size_t(i)] = compareLogits(model.row(i), base.row(i), next[size_t(i)]);
  });
  for (const absl::StatusOr<TokenDivergence> &row : rows) {
    STRATA_TRY(row.status());
    result.add(*row);
  }
  return absl::OkStatus();
}

/// Compares what both make of text[first] and those behind it.
absl::Status compareWindow(Engine &model, Engine &base, std::span<const int32_t> text, size_t first,
                           Divergence &result) {
  Scorer ours(model), bases(base);
  STRATA_TRY(ours.feedPrefix(text.first(first - 1)));
  STRATA_TRY(bases.feedPrefix(text.first(first - 1)));
  const auto most = size_t(rowsAtOnce(model.model().vocabulary()));
  for (size_t done = first - 1, part; done + 1 < text.size(); done += part) {
    part = std::min(text.size() - 1 - done, most);
    STRATA_ASSIGN(const StepResult rows, ours.feed(text.subspan(done, part), LogitRows::all));
    STRATA_ASSIGN(const StepResult baseRows, bases.feed(text.subspan(done, part), LogitRows::all));
    STRATA_TRY(addRows(model.device(), rows, baseRows, text.subspan(done + 1, part), result));
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Divergence>
compareModels(Engine &model, Engine &base, std::span<const int32_t> tokens,
              std::span<const Window> windows, std::optional<int32_t> begin,
              absl::FunctionRef<absl::Status(size_t done, const Divergence &soFar)> told) {
  Divergence result;
  for (size_t i = 0; i < windows.size(); ++i) {
    const std::vector<int32_t> text = tokensOf(windows[i], tokens, begin);
    STRATA_TRY(compareWindow(model, base, text, windows[i].first - windows[i].begin, result));
    STRATA_TRY(told(i + 1, result));
  }
  return result;
}

} // namespace strata
