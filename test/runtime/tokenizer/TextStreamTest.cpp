#include "runtime/tokenizer/TextStream.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace strata;

namespace {
constexpr char kBad[] = "\xEF\xBF\xBD";

/// Everything that comes of `bytes`, pushed one by one.
std::string whole(std::string_view bytes) {
  TextStream stream;
  std::string text;
  for (char byte : bytes)
    text += stream.push(std::string_view(&byte, 1));
  return text + stream.flush();
}

std::string bad(int count) {
  std::string text;
  while (count-- > 0)
    text += kBad;
  return text;
}
} // namespace

TEST(TextStream, ReleasesWholeCharacters) {
  TextStream stream;
  EXPECT_EQ(stream.push("ab\xC3"), "ab");
  EXPECT_EQ(stream.push("\xA9\xE2\x96"), "\xC3\xA9");
  EXPECT_EQ(stream.push("\x81"), "\xE2\x96\x81");
  EXPECT_EQ(stream.push("\xF0"), "");
  EXPECT_EQ(stream.push("\x9F"), "");
  EXPECT_EQ(stream.push("\x98"), "");
  EXPECT_EQ(stream.push("\x80!"), "\xF0\x9F\x98\x80!");
  EXPECT_EQ(stream.flush(), "");
}

TEST(TextStream, ReplacesAsSoonAsItIsCertain) {
  TextStream stream;
  EXPECT_EQ(stream.push("\xE2\x96"), "");
  EXPECT_EQ(stream.push("a"), bad(2) + "a");
  EXPECT_EQ(stream.push("\xE0"), "");
  EXPECT_EQ(stream.push("\x80"), bad(2)); // overlong
  EXPECT_EQ(stream.push("\xF0\x9F\x98"), "");
  EXPECT_EQ(stream.flush(), bad(3));
  EXPECT_EQ(stream.push("b"), "b");
}

TEST(TextStream, InvalidSequences) {
  EXPECT_EQ(whole("\x80"), bad(1));
  EXPECT_EQ(whole("\xC0\x80"), bad(2));
  EXPECT_EQ(whole("\xC1\xBF"), bad(2));
  EXPECT_EQ(whole("\xE0\x9F\xBF"), bad(3));     // overlong
  EXPECT_EQ(whole("\xED\xA0\x80"), bad(3));     // a surrogate
  EXPECT_EQ(whole("\xF0\x8F\xBF\xBF"), bad(4)); // overlong
  EXPECT_EQ(whole("\xF4\x90\x80\x80"), bad(4)); // above U+10FFFF
  EXPECT_EQ(whole("\xF5\xFF"), bad(2));
  EXPECT_EQ(whole("\xC3\xC3\xA9"), bad(1) + "\xC3\xA9");
}

TEST(TextStream, SequencesThatBreakOffAsOne) {
  const auto one = [](std::string_view bytes) {
    TextStream stream;
    std::string text;
    for (char byte : bytes)
      text += stream.push(std::string_view(&byte, 1), Malformed::sequence);
    return text + stream.flush();
  };
  EXPECT_EQ(one("\xE2\x96z"), bad(1) + "z");
  EXPECT_EQ(one("\xF0\x9F\x98"), bad(1));
  EXPECT_EQ(one("\x80\x80"), bad(2));
  EXPECT_EQ(one("\xE0\x80\x80"), bad(3)); // no character begins so: not a sequence
  EXPECT_EQ(one("\xF0\x9F\xC3\xA9"), bad(1) + "\xC3\xA9");
}

TEST(TextStream, EdgesOfTheValidRanges) {
  for (const char *text : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(whole(text), text);
  EXPECT_EQ(whole(std::string_view("\0a", 2)), std::string_view("\0a", 2));
}

TEST(TextStream, CutsDoNotMatter) {
  std::mt19937 random(1);
  const std::string bytes = "a\xC3\xA9\xE2\x96\x81\xF0\x9F\x98\x80\xE2\x96 \xFF\xED\xA0z\xF0\x9F";
  for (int round = 0; round < 200; ++round) {
    TextStream stream;
    std::string text;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = random() % 5;
      text += stream.push(std::string_view(bytes).substr(at, size));
      at += std::min(size, bytes.size() - at);
    }
    EXPECT_EQ(text + stream.flush(), whole(bytes));
  }
}
