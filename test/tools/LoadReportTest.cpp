//===- LoadReportTest.cpp - what a load measured --------------------------===//

#include "tools/load/LoadReport.h"

#include "runtime/base/Json.h"

#include <gtest/gtest.h>

#include <cmath>

namespace strata::test {
namespace {

using namespace load;

TEST(LoadReport, InterpolatesQuantiles) {
  const Spread spread = spreadOf({4, 1, 3, 2});
  EXPECT_EQ(spread.mean, 2.5);
  EXPECT_EQ(spread.median, 2.5);
  EXPECT_NEAR(spread.p99, 3.97, 1e-12);
  EXPECT_TRUE(std::isnan(spreadOf({}).mean));
}

/// Two that were answered, the second slower and without usage, and one that failed.
std::vector<RequestResult> threeResults() {
  return {{{}, {10, 4}, {10, 8, 5}, 0, 2, {1, 1.25, 1.5, 1.75}},
          {{}, {20, 2}, {}, 1, 5, {4, 4.5}},
          {absl::InternalError("429: later"), {20, 2}, {}, 1, 9, {}}};
}

TEST(LoadReport, CountsAndMeasures) {
  const LoadFigures f = figuresOf({.goals = {.firstText = 2}}, threeResults());
  EXPECT_EQ(f.requests, 3);
  EXPECT_EQ(f.failed, 1);
  EXPECT_EQ(f.promptTokens, 30); // as told, or as asked
  EXPECT_EQ(f.cachedTokens, 8);
  EXPECT_EQ(f.generatedTokens, 7); // five that were told, two chunks
  EXPECT_EQ(f.askedTokens, 6);
  EXPECT_EQ(f.countedTexts, 1);
  EXPECT_EQ(f.seconds, 5);
  EXPECT_EQ(f.firstText.mean, 2);
  EXPECT_EQ(f.whole.mean, 3);
  EXPECT_EQ(f.betweenTexts.median, 0.25); // 0.25, 0.25, 0.25, 0.5
  EXPECT_NEAR(f.perToken.mean, (0.75 / 4 + 0.5) / 2, 1e-12);
  EXPECT_NEAR(f.tokensPerText, 7.0 / 6, 1e-12);
  EXPECT_EQ(f.withinGoals, 0.2); // the first alone, of 5 s
}

TEST(LoadReport, EveryGoalMustBeMet) {
  const auto within = [](const Goals &goals) {
    return figuresOf({.goals = goals}, threeResults()).withinGoals;
  };
  EXPECT_TRUE(std::isnan(within({})));
  EXPECT_EQ(within({.firstText = 3}), 0.4);
  EXPECT_EQ(within({.firstText = 3, .perToken = 0.2}), 0.2);
  EXPECT_EQ(within({.firstText = 3, .perToken = 0.2, .whole = 1.5}), 0);
}

TEST(LoadReport, IsATableOrJson) {
  const LoadSetup setup{.url = "http://x", .model = "m", .clients = 2};
  const std::string table = formatLoad(LoadFormat::markdown, setup, threeResults());
  EXPECT_NE(table.find("| 2 clients | 3 | 1 | 30 | 8 | 7 | 5.00 | 0.40 | 1.4 | 7.4 | - |"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("| TTFT | to the first text | 2000.00 | 2000.00 | 2980.00 |"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("1.17 tokens in a chunk of text."), std::string::npos) << table;
  EXPECT_NE(table.find("6 tokens were asked for, 7 came."), std::string::npos) << table;
  EXPECT_NE(table.find("Of 1 requests chunks were counted"), std::string::npos) << table;
  EXPECT_NE(table.find("1 failed: 429: later\n"), std::string::npos) << table;

  const auto document =
      JsonDocument::parse(formatLoad(LoadFormat::json, setup, threeResults()), "load").value();
  const JsonObject body = document.object().value();
  EXPECT_EQ(body.integer("failed").value(), 1);
  EXPECT_EQ(body.object("ttft")->number("mean").value(), 2);
  EXPECT_EQ(body.object("failures")->integer("429: later").value(), 1);
  EXPECT_EQ(body.array("each_request")->size(), 3u);
  EXPECT_TRUE(body.find("requests_within_goals_per_second")->isNull()); // no goal was set
}

TEST(LoadReport, OfNothingThereAreNoFigures) {
  const std::string table = formatLoad(LoadFormat::markdown, {.rate = 2.5},
                                       {{absl::InternalError("x"), {}, {}, 0, 1, {}}});
  EXPECT_NE(table.find("| 2.5/s | 1 | 1 | 0 | 0 | 0 | - | - | - | - | - |"), std::string::npos)
      << table;
}

} // namespace
} // namespace strata::test
