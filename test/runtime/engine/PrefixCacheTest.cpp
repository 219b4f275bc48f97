//===- PrefixCacheTest.cpp - pages of texts that were seen before ---------===//

#include "runtime/engine/PrefixCache.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

using Ids = std::vector<int32_t>;

/// A cache of 6 pages of 2 tokens.
struct PrefixCacheTest : testing::Test {
  KvCache pages{6};
  PrefixCache prefixes{pages, 2};

  Ids take(uint32_t count) {
    Ids taken;
    EXPECT_TRUE(pages.take(count, taken).ok());
    return taken;
  }
  /// A text that has come and gone.
  Ids remember(const Ids &tokens) {
    Ids held = take(uint32_t(tokens.size() + 1) / 2), copy = held;
    prefixes.remember(tokens, held);
    pages.giveBack(held);
    return copy;
  }
  Ids share(const Ids &tokens) {
    Ids shared = prefixes.share(tokens), copy = shared;
    pages.giveBack(shared);
    return copy;
  }
};

TEST_F(PrefixCacheTest, FindsTheLongestBeginningOfWholePages) {
  const Ids held = remember({1, 2, 3, 4, 5});
  EXPECT_EQ(pages.freePages(), 4u); // the third page was not full
  EXPECT_EQ(prefixes.unused(), 2u);
  EXPECT_EQ(share({1, 2, 3, 4, 5, 6}), Ids(held.begin(), held.begin() + 2));
  EXPECT_EQ(share({1, 2, 3}), Ids(held.begin(), held.begin() + 1));
  EXPECT_EQ(share({1, 2, 4, 3}), Ids(held.begin(), held.begin() + 1));
  EXPECT_TRUE(share({3, 4}).empty()); // not the beginning
  EXPECT_TRUE(share({1}).empty());
}

TEST_F(PrefixCacheTest, PagesInUseStay) {
  remember({1, 2, 3, 4});
  Ids shared = prefixes.share(Ids{1, 2, 3, 4});
  EXPECT_EQ(prefixes.unused(), 0u);
  prefixes.giveUp(10);
  EXPECT_EQ(pages.freePages(), 4u);
  pages.giveBack(shared);
  prefixes.giveUp(10);
  EXPECT_EQ(pages.freePages(), 6u);
  EXPECT_TRUE(share({1, 2}).empty());
}

TEST_F(PrefixCacheTest, TheLongestUnusedGoesFirstAndEndsBeforeBeginnings) {
  remember({1, 2, 3, 4});
  remember({5, 6});
  share({1, 2});
  prefixes.giveUp(1); // {3, 4}, which nobody has asked for since
  EXPECT_EQ(share({1, 2, 3, 4}).size(), 1u);
  EXPECT_EQ(share({5, 6}).size(), 1u);
  prefixes.giveUp(1);
  EXPECT_TRUE(share({1, 2}).empty());
  EXPECT_EQ(share({5, 6}).size(), 1u);
}

TEST_F(PrefixCacheTest, ATextIsKeptOnce) {
  const Ids first = remember({1, 2, 3, 4}), second = remember({1, 2, 3, 4});
  EXPECT_EQ(pages.freePages(), 4u);
  EXPECT_EQ(share({1, 2, 3, 4}), first);
}

/// Pages whose beginning is forgotten are no one's, even if the same beginning comes again.
TEST_F(PrefixCacheTest, WhatFollowsABeginningThatIsGoneIsNotFound) {
  remember({1, 2, 3, 4});
  Ids end = prefixes.share(Ids{1, 2, 3, 4});
  Ids beginning(end.begin(), end.begin() + 1);
  pages.giveBack(beginning); // only the second page is in use now
  prefixes.giveUp(1);
  remember({1, 2});
  EXPECT_EQ(share({1, 2, 3, 4}).size(), 1u);
}

/// A text has a copy of a beginning that is known; that is given up, and the text ends.
TEST_F(PrefixCacheTest, NoPageIsHeldTwice) {
  remember({1, 2});
  Ids held = take(2);
  prefixes.remember(Ids{1, 2, 3, 4}, held);
  prefixes.giveUp(1);
  prefixes.remember(Ids{1, 2, 3, 4}, held);
  EXPECT_EQ(share({1, 2, 3, 4}), held);
  pages.giveBack(held);
  prefixes.giveUp(10);
  EXPECT_EQ(pages.freePages(), 6u);
}

} // namespace
} // namespace strata
