//===- NgramDrafterTest.cpp - guesses from a text's own n-grams -----------===//

#include "runtime/drafts/NgramDrafter.h"

#include "gtest/gtest.h"

#include <random>

namespace strata::test {
namespace {

using Ids = std::vector<int32_t>;

/// What is guessed behind a text that is told at once.
Ids guess(const Ids &tokens, int64_t most) {
  NgramDrafter drafter;
  DraftRequest request{drafter.open(), tokens, most};
  EXPECT_TRUE(drafter.draft({&request, 1}).ok());
  return request.drafts;
}

TEST(NgramDrafter, GuessesWhatFollowedBefore) {
  EXPECT_EQ(guess({1, 2, 3, 4, 5, 6, 7, 1, 2}, 3), (Ids{3, 4, 5}));
  EXPECT_EQ(guess({1, 2, 3, 4, 5, 6, 7, 1, 2}, 1), (Ids{3}));
  EXPECT_EQ(guess({1, 2, 3, 4}, 3), Ids()) << "nothing stood there before";
  EXPECT_EQ(guess({1, 5, 1}, 3), Ids()) << "one token alone is none";
  EXPECT_EQ(guess({1}, 3), Ids());
}

TEST(NgramDrafter, TheLongestGoesFirstThenTheLatest) {
  EXPECT_EQ(guess({7, 8, 1, 2, 30, 9, 9, 5, 1, 2, 40, 8, 7, 8, 1, 2}, 1), (Ids{30}));
  EXPECT_EQ(guess({7, 1, 2, 30, 6, 1, 2, 40, 8, 1, 2}, 1), (Ids{40}));
}

TEST(NgramDrafter, WhatGoesOnBehindTheEndRepeatsItself) {
  EXPECT_EQ(guess({4, 5, 6, 4, 5, 6, 4, 5}, 7), (Ids{6, 4, 5, 6, 4, 5, 6}));
  EXPECT_EQ(guess({4, 4, 4}, 5), (Ids{4, 4, 4, 4, 4}));
}

TEST(NgramDrafter, TextsAreApart) {
  NgramDrafter drafter;
  const Ids first{1, 2, 3, 1, 2}, second{1, 2, 9, 1, 2};
  DraftRequest requests[] = {{drafter.open(), first, 1}, {drafter.open(), second, 1}};
  ASSERT_TRUE(drafter.draft(requests).ok());
  EXPECT_EQ(requests[0].drafts, (Ids{3}));
  EXPECT_EQ(requests[1].drafts, (Ids{9}));
  drafter.close(requests[0].text);
  DraftRequest fresh{drafter.open(), second, 1};
  ASSERT_TRUE(drafter.draft({&fresh, 1}).ok());
  EXPECT_EQ(fresh.drafts, (Ids{9}));
}

/// The place behind the latest n-gram that the text ends with, by looking at all of it.
std::optional<size_t> searched(std::span<const int32_t> text) {
  for (size_t n = std::min(NgramIndex::kLongest, text.size()); n >= NgramIndex::kShortest; --n)
    for (size_t next = text.size() - 1; next >= n; --next)
      if (std::ranges::equal(text.subspan(next - n, n), text.last(n)))
        return next;
  return std::nullopt;
}

TEST(NgramIndex, FindsWhatASearchOfTheTextFinds) {
  std::mt19937 random(1);
  NgramIndex index;
  Ids text;
  int same = 0, all = 0;
  for (; all < 5000; ++all) {
    text.push_back(int32_t(random() % 20));
    index.extend(text);
    const auto found = index.find(text);
    if (found) {
      ASSERT_TRUE(
          std::ranges::equal(std::span(text).subspan(*found - 2, 2), std::span(text).last(2)))
          << "what is found is always there";
    }
    same += found == searched(text);
  }
  EXPECT_GT(same, all * 8 / 10) << "two n-grams may fall on one place of the table";
}

} // namespace
} // namespace strata::test
