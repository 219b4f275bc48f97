//===- DraftedSequence.h - one sequence, by several tokens a step -*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/drafts/DraftCounts.h"
#include "runtime/drafts/DraftLength.h"
#include "runtime/drafts/Drafter.h"
#include "runtime/engine/Engine.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// Which tokens may follow a text and these drafts, empty: all of them; valid until the step has
/// run. An error: a draft may not follow what is before it, or no token may.
using AllowedBehind =
    absl::FunctionRef<absl::StatusOr<AllowedTokens>(std::span<const int32_t> drafts)>;
inline absl::StatusOr<AllowedTokens> allowAll(std::span<const int32_t>) { return AllowedTokens(); }

/// Goes on with one sequence of an engine whose steps are its alone:
///
///     step(text, most)                   rows behind the text's last token and behind each draft
///     take token(0), token(1), … while token(i - 1) is drafts()[i - 1]
///     settle(how many of the drafts are part of the text now)
///
/// and again. Uses engine and drafter, which must outlive it.
class DraftedSequence {
public:
  /// `drafter` null: steps have no drafts.
  DraftedSequence(Engine &engine, Sequence sequence, Drafter *drafter);
  ~DraftedSequence();
  DraftedSequence(const DraftedSequence &) = delete;
  DraftedSequence &operator=(const DraftedSequence &) = delete;

  /// Runs what the sequence lacks of `text`, at least a token, and at most `most` drafts behind it.
  /// Rows of logits are those of the last token and of each draft. Texts begin with those of the
  /// call before, unless restart() came in between. Of each row `sampler` draws a token, one that
  /// is allowed; guesses end before one that is not.
  absl::StatusOr<StepResult> step(std::span<const int32_t> text, int64_t most,
                                  const Sampler &sampler, AllowedBehind allowed = allowAll);
  /// Of the step; none after settle().
  std::span<const int32_t> drafts() const { return guessed; }
  /// After each step: the first `accepted` drafts are the text's, the others are forgotten.
  absl::Status settle(int64_t accepted);
  /// Another text will come.
  void restart();

  const DraftCounts &counts() const { return counted; }

private:
  absl::Status guess(std::span<const int32_t> text, int64_t most, const Sampler &sampler);
  absl::StatusOr<std::vector<RowOutput>> outputsBehind(int64_t textLength, const Sampler &sampler,
                                                       AllowedBehind allowed);

  Engine &engine;
  const Sequence sequence;
  Drafter *const drafter;
  int32_t text = 0;                     // the drafter's number
  std::vector<int32_t> guessed, tokens; // of the step: its drafts, all
  DraftLength length;
  DraftCost cost;
  DraftCounts counted;
};

} // namespace strata
