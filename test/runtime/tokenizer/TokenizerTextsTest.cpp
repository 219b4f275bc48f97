// 2,000 texts of thirty scripts against the packages `sentencepiece` and `tokenizers`, whose ids
// and texts test/tokenizers/make.py has written down.
#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "runtime/tokenizer/TokenizerJson.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include <gtest/gtest.h>

using namespace strata;

namespace {

std::string read(const std::string &name) {
  return readFile(STRATA_TOKENIZERS "/" + name, kMaxTokenizerBytes).value();
}

std::string compiled(const std::string &name) {
  return compileTokenizerJson(read(name + ".json"), name)->tables;
}

std::vector<std::string> lines(const std::string &name) {
  std::vector<std::string> lines = absl::StrSplit(read(name), '\n');
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  EXPECT_GE(lines.size(), 1000u);
  return lines;
}

/// Undoes texts.escape() of test/tokenizers/texts.py.
std::string unescape(const std::string &line) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool escapes = line[i] == '\\';
    i += escapes;
    text += !escapes || line[i] == '\\' ? line[i] : line[i] == 'n' ? '\n' : '\r';
  }
  return text;
}

uint32_t hash(std::string_view bytes) {
  uint64_t value = 0xCBF29CE484222325;
  for (uint8_t byte : bytes)
    value = (value ^ byte) * 0x100000001B3;
  return uint32_t(value >> 32 ^ value);
}

std::string hashOf(const std::vector<int32_t> &ids, const std::string &text) {
  std::string bytes(reinterpret_cast<const char *>(ids.data()), ids.size() * 4);
  return absl::StrFormat("%08x", hash(bytes + text));
}

std::string streamed(const Tokenizer &tokenizer, const std::vector<int32_t> &ids) {
  Detokenizer detokenizer(tokenizer, Detokenizer::Start::ofText);
  std::string text;
  for (int32_t id : ids)
    text += detokenizer.push(id);
  return text + detokenizer.flush();
}

/// Those of NAME.expected, of which `modes` are the columns.
void expectLikeReference(const Tokenizer &tokenizer, const std::string &name,
                         const std::vector<ControlPieces> &modes,
                         const std::string &file = "texts.txt") {
  const std::vector<std::string> texts = lines(file), expected = lines(name + ".expected");
  ASSERT_EQ(texts.size(), expected.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE(texts[i]);
    std::vector<std::string> found;
    for (ControlPieces mode : modes) {
      const std::vector<int32_t> ids = *tokenizer.encode(unescape(texts[i]), mode);
      const std::string text = *tokenizer.decode(ids);
      EXPECT_EQ(streamed(tokenizer, ids), text);
      found.push_back(hashOf(ids, text));
    }
    ASSERT_EQ(absl::StrJoin(found, " "), expected[i]) << name << ", line " << i + 1;
  }
}

class TokenizerJson : public testing::TestWithParam<std::string> {
protected:
  TokenizerJson()
      : tables(compiled(GetParam())),
        tokenizer(BpeTokenizer::load(std::as_bytes(std::span(tables)), GetParam()).value()) {}

  std::string tables;
  BpeTokenizer tokenizer;
};

} // namespace

TEST(TokenizerModel, TextsAreLikeSentencePiece) {
  const auto demo = SentencePieceTokenizer::load(
      readFile(STRATA_DEMO_MODEL "/tokenizer.model", kMaxTokenizerBytes).value(), "demo");
  expectLikeReference(*demo, "demo", {ControlPieces::usual});
}

/// Whether the rules of a shape know Unicode, and are tried on texts about it.
bool isUnicode(const std::string &shape) {
  return shape.starts_with("bytes-") || shape == "scripts" || shape == "runs";
}

TEST_P(TokenizerJson, TextsAreLikeTokenizers) {
  expectLikeReference(tokenizer, GetParam(), {ControlPieces::asIds, ControlPieces::asText},
                      isUnicode(GetParam()) ? "unicode.txt" : "texts.txt");
}

TEST_P(TokenizerJson, TablesAreTheSameEveryTime) { EXPECT_EQ(compiled(GetParam()), tables); }

INSTANTIATE_TEST_SUITE_P(Shapes, TokenizerJson,
                         testing::Values("llama", "llama-legacy", "metaspace", "fallback", "words",
                                         "bytes-of-words", "bytes-of-scripts", "scripts", "runs"),
                         [](const auto &shape) {
                           return absl::StrReplaceAll(shape.param, {{"-", ""}});
                         });

// What is lost is known: "▁" becomes a space, and a space stands behind each added token.
TEST(TokenizerTexts, DecodingGivesTheTextBack) {
  const std::string tables = compiled("llama-legacy");
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(tables)), "llama");
  size_t kept = 0;
  for (const std::string &line : lines("texts.txt")) {
    const std::string text = wellFormed(unescape(line));
    if (text.find("\xE2\x96\x81") != text.npos || text.find("<extra_id_") != text.npos)
      continue;
    EXPECT_EQ(*tokenizer->decode(*tokenizer->encode(text, ControlPieces::asText)), text);
    ++kept;
  }
  EXPECT_GT(kept, 1200u);
}
