//===- DraftLength.cpp - how many drafts are worth their cost -------------===//

#include "runtime/drafts/DraftLength.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <utility>

namespace strata {
namespace {

constexpr double kForget = 0.8;  // of each draft's fate, with the next
constexpr int kMostMisses = 6;   // 63 steps of pause
constexpr double kNewTime = 0.1; // share of a step's time in its mean
/// A draft's cost that was never measured again is believed less with each step without drafts: it
/// may have been a disturbance.
constexpr double kDoubt = 0.02;

} // namespace

void DraftLength::learn(int64_t drafted, int64_t accepted) {
  pause = std::max<int64_t>(pause - 1, 0);
  if (drafted == 0)
    return;
  for (int64_t i = 0; i < std::min(accepted + 1, drafted); ++i)
    rate = kForget * rate + (i < accepted ? 1 - kForget : 0);
  proven |= accepted > 0;
  misses = accepted == 0 ? std::min(misses + 1, kMostMisses) : 0;
  pause = (int64_t(1) << misses) - 1;
}

void DraftCost::Mean::add(double next, double share) {
  value = any ? value + share * (next - value) : next;
  any = true;
}

size_t DraftCost::indexOf(int64_t texts) {
  const auto index = size_t(std::bit_width(uint64_t(std::max<int64_t>(texts, 1))) - 1);
  return std::min(index, std::tuple_size_v<decltype(byTexts)> - 1);
}

void DraftCost::learn(int64_t texts, int64_t drafts, double seconds) {
  Measured &measured = byTexts[indexOf(texts)];
  if (drafts > 0) {
    measured.drafted.add(seconds, kNewTime);
    measured.drafts.add(double(drafts), kNewTime);
    return;
  }
  measured.plain.add(seconds, kNewTime);
  if (measured.drafted.any)
    measured.drafted.add(measured.plain.value, kDoubt);
}

double DraftCost::secondsOfStep(int64_t texts) const { return byTexts[indexOf(texts)].plain.value; }

double DraftCost::secondsOfDraft(int64_t texts) const {
  const Measured &measured = byTexts[indexOf(texts)];
  if (!measured.plain.any || !measured.drafted.any)
    return 0;
  return std::max(0.0, measured.drafted.value - measured.plain.value) / measured.drafts.value;
}

void planDrafts(std::span<DraftPlan> plans, int64_t texts, int64_t room, double step,
                double draft) {
  std::priority_queue<std::pair<double, size_t>> next; // how probable the text's next draft is
  for (size_t i = 0; i < plans.size(); ++i)
    if (plans[i].most > 0)
      next.emplace(plans[i].acceptance, i);
  double tokens = double(texts), seconds = step;
  for (; room > 0 && !next.empty(); --room) {
    const auto [gain, index] = next.top();
    if (gain * seconds < draft * tokens) // fewer tokens a second than without it
      return;
    next.pop();
    tokens += gain;
    seconds += draft;
    DraftPlan &plan = plans[index];
    if (++plan.drafts < plan.most)
      next.emplace(gain * plan.acceptance, index);
  }
}

} // namespace strata
