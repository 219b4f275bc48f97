//===- MeasuresTest.cpp - what is said of measures ------------------------===//
//
// A share of what there is at most is never more than all of it: a small model's weights come from
// caches, and the ceiling was measured at another moment.
//
//===----------------------------------------------------------------------===//

#include "tools/bench/BenchReport.h"
#include "tools/run/Session.h"

#include <gtest/gtest.h>

namespace strata::test {
namespace {

TEST(Measures, RatesBesideTheCeiling) {
  const Speed speed{10, 2, {6e9, 0}};
  EXPECT_EQ(describeRate(speed, 4e9),
            "5.0 tok/s, 3.0 GB/s, 75% of 4.0 GB/s (a mere read of the weights)");
  EXPECT_EQ(describeRate(speed, 1.25e9),
            "5.0 tok/s, 3.0 GB/s, more than a mere read of the weights now has (1.2 GB/s)");
  EXPECT_EQ(describeRate(speed, 0), "5.0 tok/s, 3.0 GB/s");
}

TEST(Measures, SharesOfABench) {
  const BenchSetup setup{"m", "x86-64-v3", 1000, 2000, 1, false, "fma"};
  const auto row = [&](double readCeiling, double flopCeiling) {
    return formatBench(BenchFormat::markdown, setup,
                       {{{true, 8, 0, 1}, {{1, {3e9, 1e9}, readCeiling, flopCeiling}}, {}}});
  };
  EXPECT_NE(row(4e9, 4e9).find(" 3.00 | 75 % | 0.001 | 25 % |"), std::string::npos)
      << row(4e9, 4e9);
  EXPECT_NE(row(2e9, 5e8).find(" 3.00 | > 100 % | 0.001 | > 100 % |"), std::string::npos)
      << row(2e9, 5e8);
}

} // namespace
} // namespace strata::test
