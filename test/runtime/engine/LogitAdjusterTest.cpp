//===- LogitAdjusterTest.cpp - penalties and biases -----------------------===//

#include "runtime/engine/LogitAdjuster.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

using Row = std::vector<float>;

Row adjusted(LogitAdjustments adjustments, Row row, const std::vector<int32_t> &prompt,
             const std::vector<int32_t> &generated) {
  LogitAdjuster adjuster(std::move(adjustments));
  adjuster.addPrompt(prompt);
  for (int32_t token : generated)
    adjuster.addGenerated(token);
  adjuster.adjust(row);
  return row;
}

TEST(LogitAdjuster, EachPenaltyIsWhatItIsElsewhere) {
  const Row row = {2, -2, 4, 1};
  EXPECT_EQ(adjusted({}, row, {0, 1}, {2}), row);
  // Of prompt and text, once however often.
  EXPECT_EQ(adjusted({.repetition = 2}, row, {0, 1, 1}, {2}), (Row{1, -4, 2, 1}));
  // Of the text alone.
  EXPECT_EQ(adjusted({.frequency = 0.5f}, row, {0, 1}, {2, 2, 3}), (Row{2, -2, 3, 0.5f}));
  EXPECT_EQ(adjusted({.presence = 0.5f}, row, {0, 1}, {2, 2, 3}), (Row{2, -2, 3.5f, 0.5f}));
  EXPECT_EQ(adjusted({.bias = {{1, 5.0f}}}, row, {}, {}), (Row{2, 3, 4, 1}));
}

} // namespace
} // namespace strata
