#include "runtime/base/Checked.h"

#include <gtest/gtest.h>
#include <vector>

using namespace strata;

constexpr uint64_t kMax = ~uint64_t(0);

TEST(Checked, AddsAndMultiplies) {
  EXPECT_EQ((Checked(3) * 4 + 5).value(), 17u);
  EXPECT_EQ((Checked(kMax - 1) + 1).value(), kMax);
  EXPECT_EQ((Checked(uint64_t(1) << 32) * ((uint64_t(1) << 32) - 1)).value(),
            kMax - ((uint64_t(1) << 32) - 1));
}

TEST(Checked, RemembersAnOverflow) {
  EXPECT_FALSE((Checked(kMax) + 1).value());
  EXPECT_FALSE((Checked(uint64_t(1) << 32) * (uint64_t(1) << 32)).value());
  EXPECT_FALSE((Checked((uint64_t(1) << 42) + 1) * (uint64_t(1) << 22)).value());
  EXPECT_FALSE(((Checked(kMax) + 1) * 0 + 7).value());
  EXPECT_FALSE((7 + Checked(kMax)).value());
}

TEST(Checked, ComparesOnlyWhatFits) {
  EXPECT_TRUE((Checked(8) + 8).atMost(16));
  EXPECT_FALSE((Checked(8) + 9).atMost(16));
  EXPECT_FALSE((Checked(kMax) + 1).atMost(kMax));
}

TEST(Checked, Products) {
  EXPECT_EQ(checkedProduct({}).value(), 1u);
  EXPECT_EQ(checkedProduct(std::vector<uint64_t>{2, 3, 4}).value(), 24u);
  EXPECT_EQ(checkedProduct(std::vector<uint64_t>{kMax, 0}).value(), 0u);
  EXPECT_FALSE(checkedProduct(std::vector<uint64_t>{kMax, 2, 0}).value());
}
