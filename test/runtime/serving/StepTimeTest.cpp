//===- StepTimeTest.cpp - how long a step will take -----------------------===//

#include "runtime/serving/StepTime.h"

#include "test/runtime/serving/HashEngine.h"

namespace strata::test {
namespace {

using serving::StepTime;

TEST(StepTime, KnowsNothingAtFirst) { EXPECT_EQ(StepTime().predict({1e9, 1e9}), 0); }

TEST(StepTime, SeparatesBytesAndFlops) {
  StepTime time;
  const auto truth = [](Work work) { return work.bytes / 20e9 + work.flops / 500e9; };
  for (double tokens : {1, 300, 1, 200, 1, 64}) {
    const Work work{1e9, 2e9 * tokens};
    time.learn(work, truth(work), tokens > 1);
  }
  for (double tokens : {1, 32, 400})
    EXPECT_NEAR(time.predict({1e9, 2e9 * tokens}) / truth({1e9, 2e9 * tokens}), 1, 1e-6);
}

TEST(StepTime, ManyAlikeDoNotMakeItForget) {
  StepTime time;
  time.learn({1e9, 400e9}, 1, true);
  for (int i = 0; i < 1000; ++i)
    time.learn({1e9, 2e9}, 0.05, false);
  EXPECT_NEAR(time.predict({1e9, 2e9}), 0.05, 0.002);
  EXPECT_NEAR(time.predict({1e9, 400e9}), 1, 0.05);
}

TEST(StepTime, FollowsWhatChanges) {
  StepTime time;
  for (double speed : {1.0, 0.5})
    for (int i = 0; i < 60; ++i) {
      time.learn({1e9, 2e9}, 0.05 / speed, false);
      time.learn({1e9, 400e9}, 1 / speed, true);
    }
  EXPECT_NEAR(time.predict({1e9, 400e9}), 2, 0.1);
}

TEST(StepTime, IsNeverNegative) {
  StepTime time;
  time.learn({1e9, 1e9}, 0.1, false);
  time.learn({1e9, 9e9}, 0.05, true); // more work in less time
  EXPECT_GE(time.predict({0, 1e9}), 0);
  EXPECT_GE(time.predict({1e9, 0}), 0);
}

TEST(StepCost, IsTheEnginesWork) {
  const HashEngine model;
  const auto engine = model.opener(32, [] { return absl::OkStatus(); })().value();
  const std::vector<int32_t> tokens = {1, 2, 3};
  BatchEntry entry{engine->open(), tokens};
  const auto result = engine->step({&entry, 1});
  ASSERT_TRUE(result.ok()) << result.status();
  StepInputs counts;
  counts.tokens = 3;
  counts.contextTokens = 6;
  counts.outputRows = 1;
  counts.outputContext = 3;
  const Work work = serving::StepCost(engine->device().program()).of(counts);
  EXPECT_GT(work.flops, 0);
  EXPECT_EQ(work.bytes, result->work.bytes);
  EXPECT_EQ(work.flops, result->work.flops);
}

} // namespace
} // namespace strata::test
