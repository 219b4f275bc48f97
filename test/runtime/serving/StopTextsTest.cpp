//===- StopTextsTest.cpp - strings that end a text ------------------------===//

#include "runtime/serving/StopTexts.h"

#include <gtest/gtest.h>

namespace strata::serving {
namespace {

/// The text up to a string, fed `step` bytes at a time.
std::string cut(const std::string &text, std::vector<std::string> stops, size_t step) {
  StopTexts matcher(std::move(stops));
  std::string result;
  for (size_t i = 0; i < text.size() && !matcher.found(); i += step)
    result += matcher.push(std::string_view(text).substr(i, step));
  return matcher.found() ? result + "|" : result + matcher.flush();
}

TEST(StopTexts, AreFoundHoweverTheTextIsCut) {
  for (size_t step = 1; step < 20; ++step) {
    EXPECT_EQ(cut("one\n\ntwo", {"\n\n"}, step), "one|");
    EXPECT_EQ(cut("aaab", {"aab"}, step), "a|"); // not the first that may begin it
    EXPECT_EQ(cut("abcabd", {"abd"}, step), "abc|");
    EXPECT_EQ(cut("nothing here", {"\n", "hero"}, step), "nothing here");
    EXPECT_EQ(cut("ends with the beginning</", {"</s>"}, step), "ends with the beginning</");
    EXPECT_EQ(cut("größe", {"ß"}, step), "grö|");
  }
}

TEST(StopTexts, TheOneThatIsCompleteFirstCounts) {
  EXPECT_EQ(cut("abcdef", {"ef", "cd"}, 6), "ab|");
  for (size_t step = 1; step < 5; ++step) {
    EXPECT_EQ(cut("abcd", {"bcd", "c"}, step), "ab|");
    EXPECT_EQ(cut("abcd", {"c", "bc"}, step), "a|");
  }
  EXPECT_EQ(cut("abcdef", {"cd", "cde"}, 1), "ab|");
}

TEST(StopTexts, NothingIsHeldThatNoneBegins) {
  StopTexts matcher({"</s>"});
  EXPECT_EQ(matcher.push("abc<"), "abc");
  EXPECT_EQ(matcher.push("d"), "<d");
}

} // namespace
} // namespace strata::serving
