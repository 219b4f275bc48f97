//===- PieceRangesTest.cpp - where pieces stand in their text -------------===//

#include "runtime/text/PieceRanges.h"

#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "test/runtime/TestPackage.h"

#include <random>

namespace strata::test {
namespace {

const Tokenizer &tokenizer() {
  static const auto loaded =
      SentencePieceTokenizer::load(readFile(STRATA_DEMO_MODEL "/tokenizer.model", 1 << 20).value(),
                                   "model")
          .value();
  return loaded;
}

/// The text's bytes that the ids stand for, in turn.
std::vector<std::string> parts(std::string_view text,
                               ControlPieces control = ControlPieces::usual) {
  const auto ids = tokenizer().encode(text, control).value();
  const auto ranges = findPieceRanges(tokenizer(), text, ids);
  std::vector<std::string> found;
  for (const auto &[begin, end] : ranges.value_or(std::vector<ByteRange>()))
    found.emplace_back(text.substr(begin, end - begin));
  return found;
}

using Parts = std::vector<std::string>;

TEST(PieceRanges, Pieces) {
  EXPECT_EQ(parts("In the beginning"), (Parts{"In", " the", " begin", "ning"}));
  EXPECT_EQ(parts(""), Parts());
}

TEST(PieceRanges, BytesStandForTheirCharacter) {
  EXPECT_EQ(parts("In ĉ"), (Parts{"In", " ", "ĉ", "ĉ"}));
}

TEST(PieceRanges, ControlPieces) {
  EXPECT_EQ(parts("In</s>In", ControlPieces::asIds), (Parts{"In", "</s>", "In"}));
  const std::vector<int32_t> ids = {2, 1035};
  EXPECT_EQ(findPieceRanges(tokenizer(), "In", ids), (std::vector<ByteRange>{{0, 0}, {0, 2}}));
}

/// Bytes that are no text become others.
TEST(PieceRanges, NoneWhereTheTextIsChanged) {
  const std::vector<int32_t> ids = tokenizer().encode("a\xFF").value();
  EXPECT_EQ(findPieceRanges(tokenizer(), "a\xFF", ids), std::nullopt);
}

/// Ranges follow each other and cover the text, whatever it is.
TEST(PieceRanges, CoverTheText) {
  std::mt19937 generator(5);
  const std::string characters[] = {"a", " ", "\n", "In", "ĉ", "日", "🙂", "  ", "9", "."};
  for (int i = 0; i != 300; ++i) {
    std::string text;
    for (uint32_t n = generator() % 12; n; --n)
      text += characters[generator() % std::size(characters)];
    const auto ids = tokenizer().encode(text).value();
    const auto ranges = findPieceRanges(tokenizer(), text, ids);
    ASSERT_TRUE(ranges) << text;
    ASSERT_EQ(ranges->size(), ids.size());
    size_t end = 0;
    for (const ByteRange &range : *ranges) {
      EXPECT_TRUE(range.begin == end || range.end == end) << text;
      end = range.end;
    }
    EXPECT_EQ(end, text.size()) << text;
  }
}

} // namespace
} // namespace strata::test
