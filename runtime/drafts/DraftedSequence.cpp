//===- DraftedSequence.cpp - one sequence, by several tokens a step -------===//

#include "runtime/drafts/DraftedSequence.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace strata {

DraftedSequence::DraftedSequence(Engine &engine, Sequence sequence, Drafter *drafter)
    : engine(engine), sequence(sequence), drafter(drafter) {
  if (drafter)
    text = drafter->open();
}

DraftedSequence::~DraftedSequence() {
  if (drafter)
    drafter->close(text);
}

void DraftedSequence::restart() {
  if (!drafter)
    return;
  drafter->close(text);
  text = drafter->open();
}

absl::Status DraftedSequence::guess(std::span<const int32_t> all, int64_t most,
                                    const Sampler &sampler) {
  guessed.clear();
  most = std::min({most, length.most(), engine.context() - int64_t(all.size())});
  if (!drafter || most < 1)
    return absl::OkStatus();
  DraftPlan plan{length.acceptance(), most};
  planDrafts({&plan, 1}, 1, most, cost.secondsOfStep(1),
             cost.secondsOfDraft(1) + drafter->secondsOfToken());
  if (plan.drafts == 0)
    return absl::OkStatus();
  DraftRequest request{text, all, plan.drafts, &sampler};
  STRATA_TRY(drafter->draft({&request, 1}));
  guessed = std::move(request.drafts);
  return absl::OkStatus();
}

/// What is wanted of the rows behind a text of this length and behind each guess; of these, only
/// what may be there stays.
absl::StatusOr<std::vector<RowOutput>>
DraftedSequence::outputsBehind(int64_t textLength, const Sampler &sampler, AllowedBehind allowed) {
  std::vector<RowOutput> outputs;
  for (size_t row = 0; row <= guessed.size(); ++row) {
    const auto tokens = allowed(std::span(guessed).first(row));
    if (!tokens.ok() && row > 0) {
      guessed.resize(row - 1);
      return outputs;
    }
    STRATA_TRY(tokens.status());
    outputs.push_back({.draw = sampler.drawAt(uint64_t(textLength) + row), .allowed = *tokens});
  }
  return outputs;
}

absl::StatusOr<StepResult> DraftedSequence::step(std::span<const int32_t> all, int64_t most,
                                                 const Sampler &sampler, AllowedBehind allowed) {
  using Clock = std::chrono::steady_clock;
  STRATA_ASSIGN(const int64_t held, engine.length(sequence));
  const auto fresh = all.subspan(size_t(held));
  STRATA_TRY(guess(all, fresh.size() == 1 ? most : 0, sampler)); // a prompt's rows are not wanted
  STRATA_ASSIGN(const std::vector<RowOutput> outputs,
                outputsBehind(int64_t(all.size()), sampler, allowed));
  tokens.assign(fresh.begin(), fresh.end());
  tokens.insert(tokens.end(), guessed.begin(), guessed.end());
  const BatchEntry entry{sequence, tokens, guessed.empty() ? LogitRows::last : LogitRows::all};
  const Clock::time_point start = Clock::now();
  STRATA_ASSIGN(const StepResult result, engine.step({&entry, 1}, outputs));
  if (fresh.size() == 1)
    cost.learn(1, int64_t(guessed.size()),
               std::chrono::duration<double>(Clock::now() - start).count());
  return result;
}

absl::Status DraftedSequence::settle(int64_t accepted) {
  const auto drafted = int64_t(guessed.size());
  length.learn(drafted, accepted);
  counted.add(drafted, accepted);
  guessed.clear();
  if (accepted == drafted)
    return absl::OkStatus();
  STRATA_ASSIGN(const int64_t held, engine.length(sequence));
  return engine.rewind(sequence, held - (drafted - accepted));
}

} // namespace strata
