//===- LogProbsTest.cpp - how likely a row of logits finds tokens ---------===//

#include "runtime/engine/LogProbs.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace strata {
namespace {

TEST(LogProbs, AreTheSoftmaxAndItsTop) {
  const std::vector<float> row = {1, 3, 2, 3, -100};
  const double sum = std::exp(-2.0) + 1 + std::exp(-1.0) + 1 + std::exp(-103.0);
  const ScoredToken scored = scoreToken(row, 2, 3).value();
  EXPECT_EQ(scored.token.token, 2);
  EXPECT_NEAR(scored.token.logProb, -1 - std::log(sum), 1e-15);
  ASSERT_EQ(scored.top.size(), 3u);
  EXPECT_EQ(scored.top[0].token, 1); // of equal ones, the lowest id
  EXPECT_EQ(scored.top[1].token, 3);
  EXPECT_EQ(scored.top[2].token, 2);
  EXPECT_EQ(scored.top[2].logProb, scored.token.logProb); // to the last bit
  EXPECT_TRUE(scoreToken(row, 0, 0)->top.empty());
  EXPECT_EQ(scoreToken(row, 0, 20)->top.size(), 5u);
}

TEST(LogProbs, OfLogitsFarFromZero) {
  std::vector<float> logits(100000, -3e38f);
  logits[7] = 3e38f;
  EXPECT_EQ(scoreToken(logits, 7, 0)->token.logProb, 0);
  EXPECT_DOUBLE_EQ(scoreToken(logits, 0, 0)->token.logProb, double(-3e38f) - double(3e38f));
  EXPECT_FALSE(scoreToken(logits, 0, 0)->greedy);
  const std::vector<float> equal(100000, 1e30f);
  EXPECT_NEAR(scoreToken(equal, 3, 0)->token.logProb, -std::log(1e5), 1e-12);
  EXPECT_TRUE(scoreToken(equal, 3, 0)->greedy);
}

TEST(LogProbs, RefuseWhatIsNoNumber) {
  for (float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> row = {1, wrong, 2};
    EXPECT_FALSE(scoreToken(row, 0, 1).ok());
  }
}

} // namespace
} // namespace strata
