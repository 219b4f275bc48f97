//===- DraftLengthTest.cpp - how many drafts are worth their cost ---------===//

#include "runtime/drafts/DraftLength.h"
#include "runtime/drafts/DraftCounts.h"

#include "gtest/gtest.h"

#include <vector>

namespace strata::test {
namespace {

TEST(DraftLength, PausesLongerWithEachStepWhoseDraftsAllFail) {
  DraftLength length;
  std::vector<int> pauses;
  for (int i = 0; i < 8; ++i) {
    length.learn(2, 0);
    for (pauses.push_back(0); length.pauses(); ++pauses.back())
      length.learn(0, 0);
  }
  EXPECT_EQ(pauses, (std::vector<int>{1, 3, 7, 15, 31, 63, 63, 63}));
  length.learn(2, 1);
  EXPECT_FALSE(length.pauses());
  length.learn(2, 0);
  length.learn(0, 0);
  EXPECT_FALSE(length.pauses()) << "one that was accepted makes a pause short again";
}

TEST(DraftLength, FollowsWhatWasAccepted) {
  DraftLength length;
  for (int i = 0; i < 20; ++i)
    length.learn(4, 4);
  EXPECT_GT(length.acceptance(), 0.99);
  for (int i = 0; i < 200; ++i)
    length.learn(4, 3); // three of the four that are known of
  EXPECT_NEAR(length.acceptance(), 0.75, 0.15);
  for (int i = 0; i < 20; ++i)
    length.learn(1, 0);
  EXPECT_EQ(length.acceptance(), DraftLength::kLeast);
}

TEST(DraftCost, IsWhatStepsWithDraftsTakeLonger) {
  DraftCost cost;
  EXPECT_EQ(cost.secondsOfStep(1), 0);
  for (int i = 0; i < 10; ++i) {
    cost.learn(1, 0, 1.0);
    cost.learn(1, 4, 1.2);
    cost.learn(16, 0, 1.5);
  }
  EXPECT_NEAR(cost.secondsOfStep(1), 1.0, 1e-9);
  EXPECT_NEAR(cost.secondsOfDraft(1), 0.05, 0.01);
  EXPECT_NEAR(cost.secondsOfStep(16), 1.5, 1e-9);
  EXPECT_EQ(cost.secondsOfDraft(16), 0) << "of so many texts none was measured";
}

TEST(DraftCost, ADisturbanceIsForgotten) {
  DraftCost cost;
  cost.learn(1, 0, 1.0);
  cost.learn(1, 1, 100.0);
  EXPECT_GT(cost.secondsOfDraft(1), 50);
  for (int i = 0; i < 400; ++i)
    cost.learn(1, 0, 1.0);
  EXPECT_LT(cost.secondsOfDraft(1), 0.1);
}

std::vector<int64_t> planned(std::vector<DraftPlan> plans, int64_t texts, int64_t room, double step,
                             double draft) {
  planDrafts(plans, texts, room, step, draft);
  std::vector<int64_t> drafts;
  for (const DraftPlan &plan : plans)
    drafts.push_back(plan.drafts);
  return drafts;
}

using Counts = std::vector<int64_t>;

TEST(PlanDrafts, AreAsManyAsPayOff) {
  // 1 + 0.5 + 0.25 tokens in 1.2: a third draft would bring 0.125 more in 0.1, the rate is 1.46.
  EXPECT_EQ(planned({{0.5, 15}}, 1, 100, 1, 0.1), Counts{2});
  EXPECT_EQ(planned({{0.95, 15}}, 1, 100, 1, 0.02), Counts{15});
  EXPECT_EQ(planned({{0.5, 15}}, 1, 100, 1, 0.6), Counts{0});
  EXPECT_EQ(planned({{0.5, 1}}, 1, 100, 0, 0), Counts{1}) << "before anything was measured";
}

TEST(PlanDrafts, GoToTheTextsThatAreGuessedBest) {
  EXPECT_EQ(planned({{0.9, 15}, {0.1, 15}, {0.9, 0}}, 3, 4, 1, 0), (Counts{4, 0, 0}));
  EXPECT_EQ(planned({{0.6, 15}, {0.6, 15}}, 2, 4, 1, 0), (Counts{2, 2}));
}

TEST(PlanDrafts, ABatchThatFillsTheMachineHasNone) {
  // 64 texts whose rows are the whole time of a step: a draft costs what a text does.
  EXPECT_EQ(planned({{0.9, 15}}, 64, 448, 64, 1), Counts{0});
  // Reading weights is most of it: another row is nearly free.
  EXPECT_GT(planned({{0.9, 15}}, 64, 448, 64, 0.1)[0], 0);
}

/// How much longer a text takes that is guessed wrongly whenever it is guessed.
double costOfWrongDrafts(int64_t tokens, double draft) {
  DraftLength length;
  DraftCost cost;
  double seconds = 0;
  for (int64_t i = 0; i < tokens; ++i) {
    DraftPlan plan{length.acceptance(), length.most()};
    planDrafts({&plan, 1}, 1, kMostDrafts, cost.secondsOfStep(1), cost.secondsOfDraft(1));
    const double step = 1 + draft * double(plan.drafts);
    cost.learn(1, plan.drafts, step);
    length.learn(plan.drafts, 0);
    seconds += step;
  }
  return seconds / double(tokens) - 1;
}

TEST(DraftLength, DraftsThatAreNeverAcceptedCostLittle) {
  for (const int64_t tokens : {32, 128, 1024}) // n-grams: a row more takes 2 % of a step
    EXPECT_LT(costOfWrongDrafts(tokens, 0.02), 0.03) << tokens;
  for (const int64_t tokens : {128, 1024}) // and a smaller model's token, 20 %
    EXPECT_LT(costOfWrongDrafts(tokens, 0.22), 0.03) << tokens;
}

TEST(DraftLength, BeginsWithAFew) {
  DraftLength length;
  EXPECT_EQ(length.most(), DraftLength::kFirstDrafts);
  length.learn(4, 0);
  EXPECT_EQ(length.most(), 0) << "pauses";
  length.learn(0, 0);
  EXPECT_EQ(length.most(), DraftLength::kFirstDrafts);
  length.learn(4, 1);
  EXPECT_EQ(length.most(), kMostDrafts);
}

TEST(DraftCounts, KnowThePlacesOfWhatWasAccepted) {
  DraftCounts counts;
  counts.add(4, 2);
  counts.add(0, 0);
  counts.add(3, 3);
  EXPECT_EQ(counts.drafts, 2u);
  EXPECT_EQ(counts.tokens, 7u);
  EXPECT_EQ(counts.accepted, 5u);
  EXPECT_EQ(counts.acceptedAt[0], 2u);
  EXPECT_EQ(counts.acceptedAt[2], 1u);
  EXPECT_EQ(counts.acceptedAt[3], 0u);
}

} // namespace
} // namespace strata::test
