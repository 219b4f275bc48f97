//===- WorkloadTest.cpp - what a load is made of --------------------------===//

#include "tools/load/Workload.h"

#include "test/runtime/TestFolder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace strata::test {
namespace {

using namespace load;

TEST(Workload, ReadsLengths) {
  EXPECT_EQ(parseLengths("512")->least, 512);
  EXPECT_EQ(parseLengths("512")->most, 512);
  EXPECT_EQ(parseLengths("128:1024")->least, 128);
  EXPECT_EQ(parseLengths("128:1024")->most, 1024);
  for (const char *wrong : {"", "0", "9:8", "1:", ":4", "1:2:3", "a"})
    EXPECT_FALSE(parseLengths(wrong).ok()) << wrong;
}

TEST(Workload, IsTheSameForASeedAndAnotherForAnother) {
  const Workload one({.seed = 1}), again({.seed = 1}), other({.seed = 2});
  EXPECT_EQ(one.prompt(3), again.prompt(3));
  EXPECT_NE(one.prompt(3), other.prompt(3));
  EXPECT_NE(one.prompt(3), one.prompt(4));
  EXPECT_EQ(one.prompt(0).size(), 512u);
}

TEST(Workload, DrawsEveryLengthAndOnlyIdsOfTheVocabulary) {
  const Workload workload({.requests = 500, .prompt = {2, 5}, .output = {1, 3}, .vocabulary = 4});
  std::set<int64_t> prompts, outputs;
  std::set<int32_t> ids;
  for (int64_t i = 0; i < 500; ++i) {
    const std::vector<int32_t> prompt = workload.prompt(i);
    EXPECT_EQ(int64_t(prompt.size()), workload.size(i).prompt);
    prompts.insert(workload.size(i).prompt);
    outputs.insert(workload.size(i).output);
    ids.insert(prompt.begin(), prompt.end());
  }
  EXPECT_EQ(prompts, (std::set<int64_t>{2, 3, 4, 5}));
  EXPECT_EQ(outputs, (std::set<int64_t>{1, 2, 3}));
  EXPECT_EQ(ids, (std::set<int32_t>{0, 1, 2, 3}));
}

TEST(Workload, SharesAPrefixButNotWithWarmUps) {
  const Workload workload({.requests = 2, .prompt = {8, 8}, .prefix = 5});
  const auto first = workload.prompt(0), second = workload.prompt(1), warm = workload.prompt(2);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 5, second.begin()));
  EXPECT_NE(first, second);
  EXPECT_FALSE(std::equal(first.begin(), first.begin() + 5, warm.begin()));
}

TEST(Workload, ComesAtTheRateOnAverageAndAtRandom) {
  const Workload workload({.requests = 10000, .rate = 50});
  EXPECT_EQ(workload.due(0), 0);
  EXPECT_NEAR(workload.due(9999) / 9999, 1.0 / 50, 0.001);
  double squares = 0; // of an exponential distribution, deviation and mean are the same
  for (int64_t i = 1; i < 10000; ++i)
    squares += std::pow(workload.due(i) - workload.due(i - 1) - 1.0 / 50, 2);
  EXPECT_NEAR(std::sqrt(squares / 9999), 1.0 / 50, 0.001);
}

TEST(Workload, TakesLengthsFromAFile) {
  const TestFolder folder;
  const auto sizes = readSizes(folder.write("sizes", "3 1\n\n 7\t2 \r\n"));
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  const Workload workload({.sizes = *sizes});
  EXPECT_EQ(workload.size(0).prompt, 3);
  EXPECT_EQ(workload.size(1).output, 2);
  EXPECT_EQ(workload.size(2).prompt, 3); // again from the start
  EXPECT_NE(readSizes(folder.write("bad", "3 1\n3 0\n"))
                .status()
                .message()
                .find("bad:2: expected two whole numbers from 1 to 16777216, found \"3 0\""),
            std::string::npos);
  EXPECT_FALSE(readSizes(folder.write("more", "3 1 1\n")).ok());
  EXPECT_FALSE(readSizes(folder.write("none", "\n")).ok());
}

} // namespace
} // namespace strata::test
