//===- DraftLength.h - how many drafts are worth their cost -----*- C++ -*-===//
#pragma once

#include "runtime/drafts/Drafter.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace strata {

/// How drafts of one text fared. Where none of a step's drafts is accepted, the text pauses: 1 step
/// the first time, then 3, 7, up to 63, so that drafts which are never accepted cost next to
/// nothing.
class DraftLength {
public:
  /// How probable it is that a draft is accepted where those before it are, by the latest ones; at
  /// least kLeast, or drafts that fared badly would never be tried again.
  double acceptance() const { return rate > kLeast ? rate : kLeast; }
  bool pauses() const { return pause > 0; }
  /// Most drafts of the next step: a few until one was accepted, as nothing is known of the text.
  int64_t most() const { return pauses() ? 0 : proven ? kMostDrafts : kFirstDrafts; }
  /// After each step of the text: how many drafts it had, and how many of them were accepted.
  void learn(int64_t drafted, int64_t accepted);

  static constexpr double kLeast = 0.1;
  static constexpr int64_t kFirstDrafts = 4;

private:
  double rate = 0.5;
  bool proven = false; // one was accepted
  int misses = 0;      // steps one after the other whose drafts were all rejected
  int64_t pause = 0;
};

/// What drafts cost the steps that judge them, as measured: by how many texts go on in a step, from
/// one power of two to the next.
class DraftCost {
public:
  void learn(int64_t texts, int64_t drafts, double seconds);
  /// Of a step without drafts, and of one draft more. 0: not measured.
  double secondsOfStep(int64_t texts) const;
  double secondsOfDraft(int64_t texts) const;

private:
  /// Of values of which the youngest count most.
  struct Mean {
    double value = 0;
    bool any = false;
    void add(double next, double share);
  };
  struct Measured {
    Mean plain, drafted; // seconds
    Mean drafts;         // of a step that has some
  };
  static size_t indexOf(int64_t texts);
  std::array<Measured, 16> byTexts;
};

/// A text's part in a plan: how many drafts it may have, and how many it is to have.
struct DraftPlan {
  double acceptance; // DraftLength::acceptance()
  int64_t most;
  int64_t drafts = 0;
};

/// Shares out at most `room` drafts: always the one that is accepted most probably, as long as
/// steps then bring more tokens a second. Of j drafts of a text the last is accepted with
/// acceptance^j. A step takes `step` seconds without drafts, in which `texts` texts go on by a
/// token each, and `draft` more for each draft.
void planDrafts(std::span<DraftPlan> plans, int64_t texts, int64_t room, double step, double draft);

} // namespace strata
