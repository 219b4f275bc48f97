#include "runtime/tokenizer/SentencePieceTokenizer.h"

#include "runtime/base/MappedFile.h"
#include "runtime/base/Quote.h"
#include "test/runtime/tokenizer/SentencePieceReference.h"
#include "test/runtime/tokenizer/TokenizerProtoWriter.h"

#include <gtest/gtest.h>
#include <random>

using namespace strata;

namespace {

using Ids = std::vector<int32_t>;

SentencePieceTokenizer loaded(const std::string &serialized) {
  auto tokenizer = SentencePieceTokenizer::load(serialized, "tokenizer.model");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

const std::string &demoModel() {
  static const std::string model =
      readFile(STRATA_DEMO_MODEL "/tokenizer.model", kMaxTokenizerBytes).value();
  return model;
}

/// The demonstration model's tokenizer.
const SentencePieceTokenizer &demo() {
  static const SentencePieceTokenizer tokenizer = loaded(demoModel());
  return tokenizer;
}

/// What is streamed for `ids`, from the beginning of a text.
std::string streamed(const Tokenizer &tokenizer, const Ids &ids) {
  Detokenizer detokenizer(tokenizer, Detokenizer::Start::ofText);
  std::string text;
  for (int32_t id : ids) {
    const std::string part = detokenizer.push(id);
    TextStream check;
    EXPECT_EQ(check.push(part), part) << "not whole UTF-8 characters";
    text += part;
  }
  return text + detokenizer.flush();
}

TEST(SamePieces, NamesTheFirstThatIsAnother) {
  EXPECT_TRUE(checkSamePieces(demo(), loaded(demoModel())).ok());
  const std::string piece(demo().piece(1234));
  std::string changed = demoModel();
  const std::string field = "\x0A" + std::string(1, char(piece.size())) + piece;
  ASSERT_NE(changed.find(field), std::string::npos);
  changed[changed.find(field) + field.size() - 1] = '~';
  EXPECT_EQ(checkSamePieces(demo(), loaded(changed)).message(),
            absl::StrCat("tokenizer: token 1234: expected the piece ", quote(piece),
                         ", found the piece ", quote(piece.substr(0, piece.size() - 1) + "~")));
}

/// A text of words, spaces, characters of all lengths and bytes that are no UTF-8.
std::string randomText(std::mt19937 &random) {
  static const std::vector<std::string> parts = {"the",
                                                 " ",
                                                 "  ",
                                                 "\n",
                                                 "God",
                                                 "7",
                                                 "2024",
                                                 "\xC3\xA9",
                                                 "\xE6\x97\xA5",
                                                 "\xF0\x9F\x98\x80",
                                                 "\xE2\x96\x81",
                                                 "<extra_id_0>",
                                                 "</s>",
                                                 "<0x41>",
                                                 "\xEF\xBF\xBD",
                                                 "\t",
                                                 "ing",
                                                 ".",
                                                 "\xFF",
                                                 "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80",
                                                 std::string(1, '\0')};
  std::string text;
  for (size_t count = random() % 20; count > 0; --count)
    text += parts[random() % parts.size()];
  return text;
}

/// That a tokenizer gives what SentencePiece gives for the same model, on texts and on ids at
/// random.
void expectLikeSentencePiece(const std::string &model, int rounds) {
  const SentencePieceTokenizer tokenizer = loaded(model);
  const SentencePieceReference reference(model);
  std::mt19937 random(7);
  for (int round = 0; round < rounds; ++round) {
    const std::string text = randomText(random);
    const Ids ids = reference.encode(text);
    EXPECT_EQ(*tokenizer.encode(text), ids);
    EXPECT_EQ(*tokenizer.decode(ids), reference.decode(ids));
    EXPECT_EQ(streamed(tokenizer, ids), reference.decode(ids));
    Ids anything;
    for (size_t count = random() % 12; count > 0; --count)
      anything.push_back(random() % (random() % 2 ? 264 : tokenizer.vocabularySize()) %
                         tokenizer.vocabularySize());
    EXPECT_EQ(*tokenizer.decode(anything), reference.decode(anything));
    EXPECT_EQ(streamed(tokenizer, anything), reference.decode(anything));
  }
}

} // namespace

TEST(Tokenizer, SpecialPieces) {
  EXPECT_EQ(demo().vocabularySize(), 2048);
  EXPECT_EQ(demo().padId(), 0);
  EXPECT_EQ(demo().unkId(), 1);
  EXPECT_EQ(demo().bosId(), 2);
  EXPECT_EQ(demo().eosId(), 3);
  EXPECT_EQ(demo().idOf("<extra_id_1>"), 5);
  EXPECT_EQ(demo().idOf("no such piece"), std::nullopt);
  EXPECT_EQ(demo().piece(3), "</s>");
  EXPECT_TRUE(demo().isControl(3));
  EXPECT_FALSE(demo().isControl(4));
  EXPECT_TRUE(demo().isUserDefined(4));
  EXPECT_FALSE(demo().isUserDefined(3));
}

TEST(Tokenizer, IdsOutOfRangeAreHarmless) {
  for (int32_t id : {-1, 2048, INT32_MIN, INT32_MAX}) {
    EXPECT_FALSE(demo().isValid(id));
    EXPECT_FALSE(demo().isControl(id));
    EXPECT_FALSE(demo().isUserDefined(id));
    EXPECT_EQ(demo().piece(id), "");
    EXPECT_EQ(demo().pieceBytes(id), "");
    EXPECT_EQ(Detokenizer(demo(), Detokenizer::Start::ofText).push(id), "");
    EXPECT_EQ(demo().decode(Ids{5, id}).status().message(),
              "ids[1] is " + std::to_string(id) + ", expected 0 to 2047");
  }
}

TEST(Tokenizer, TextIsKept) {
  for (const char *text : {"", " ", "  two  spaces  ", "In the beginning", "tabs\tand\nlines\r\n",
                           "\xF0\x9F\x98\x80 caf\xC3\xA9", "<extra_id_0>x", "\xE2\x96\x81"}) {
    const Ids ids = *demo().encode(text);
    const bool isSpaceSymbol = std::string_view(text) == "\xE2\x96\x81"; // the one that is lost
    EXPECT_EQ(streamed(demo(), ids), isSpaceSymbol ? " " : text);
  }
}

TEST(Tokenizer, EmojiGoThroughBytes) {
  const Ids ids = *demo().encode("\xF0\x9F\x98\x80");
  std::vector<std::string_view> pieces;
  for (int32_t id : ids)
    pieces.push_back(demo().piece(id));
  // The dummy prefix, then four bytes.
  const std::vector<std::string_view> expected = {"\xE2\x96\x81", "<0xF0>", "<0x9F>", "<0x98>",
                                                  "<0x80>"};
  EXPECT_EQ(pieces, expected);
  Detokenizer detokenizer(demo(), Detokenizer::Start::continuation);
  EXPECT_EQ(detokenizer.push(ids[0]), " ");
  EXPECT_EQ(detokenizer.push(ids[1]), "");
  EXPECT_EQ(detokenizer.push(ids[2]), "");
  EXPECT_EQ(detokenizer.push(ids[3]), "");
  EXPECT_EQ(detokenizer.push(ids[4]), "\xF0\x9F\x98\x80");
}

TEST(Tokenizer, BytesThatBreakOff) {
  Detokenizer detokenizer(demo(), Detokenizer::Start::continuation);
  EXPECT_EQ(detokenizer.push(*demo().idOf("<0xF0>")), "");
  EXPECT_EQ(detokenizer.push(*demo().idOf("<extra_id_0>")), "\xEF\xBF\xBD<extra_id_0>");
  EXPECT_EQ(detokenizer.push(*demo().idOf("<0xC3>")), "");
  EXPECT_EQ(detokenizer.flush(), "\xEF\xBF\xBD");
}

TEST(Tokenizer, ControlPiecesAreTextUnlessAsked) {
  const Ids asText = *demo().encode("a</s>b");
  EXPECT_EQ(std::count(asText.begin(), asText.end(), 3), 0);
  EXPECT_EQ(streamed(demo(), asText), "a</s>b");

  Ids expected = *demo().encode("a");
  expected.push_back(3);
  expected.push_back(2);
  const Ids b = *demo().encode("b");
  expected.insert(expected.end(), b.begin(), b.end());
  EXPECT_EQ(*demo().encode("a</s><s>b", ControlPieces::asIds), expected);
  EXPECT_EQ(*demo().encode("</s>", ControlPieces::asIds), Ids{3});
  EXPECT_EQ(*demo().encode("plain", ControlPieces::asIds), *demo().encode("plain"));
}

TEST(Tokenizer, UserDefinedPiecesAreIdsAnywhere) {
  const Ids ids = *demo().encode("a<extra_id_0>b<extra_id_1><extra_id_0>");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 4), 2);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 5), 1);
}

TEST(Tokenizer, LongTextsAreRefused) {
  EXPECT_EQ(demo().encode(std::string((64 << 20) + 1, 'a')).status().message(),
            "text has 67108865 bytes, expected at most 67108864");
  EXPECT_EQ(demo().encode(std::string((4 << 20) + 1, 'a')).status().message(),
            "text has 4194305 bytes without a place to cut it, expected at most 4194304");
  const SentencePieceTokenizer withoutFallback = loaded(smallModel(protoPiece("a", 0, 1)));
  EXPECT_EQ(withoutFallback.encode(std::string((256 << 10) + 1, 'a')).status().message(),
            "text has 262145 bytes without a place to cut it, expected at most 262144");
}

/// `length` bytes of parts at random, many of them words with one space between.
std::string longText(std::mt19937 &random, size_t length) {
  std::string text;
  while (text.size() < length)
    text += random() % 4 ? "the house 7 of e\xCC\x81 Israel" : randomText(random);
  return text;
}

// Cut into parts, a long text has the ids that SentencePiece gives the whole.
TEST(Tokenizer, LongTextsAreEncodedInParts) {
  std::mt19937 random(3);
  for (const char *options :
       {"--model_type=bpe --vocab_size=320 --byte_fallback",
        "--model_type=bpe --vocab_size=320 --byte_fallback --add_dummy_prefix=false",
        "--model_type=bpe --vocab_size=320 --byte_fallback --add_dummy_prefix=false "
        "--remove_extra_whitespaces=false --normalization_rule_name=identity",
        "--model_type=bpe --vocab_size=320 --byte_fallback --remove_extra_whitespaces=false",
        "--model_type=bpe --vocab_size=320 --byte_fallback --split_by_whitespace=false",
        "--model_type=bpe --vocab_size=320 --byte_fallback --treat_whitespace_as_suffix",
        "--model_type=bpe --vocab_size=320 --byte_fallback --user_defined_symbols=\xE2\x96\x81the",
        "--model_type=unigram --vocab_size=320 --byte_fallback"}) {
    SCOPED_TRACE(options);
    const std::string model = trainSentencePiece(options), text = longText(random, 300000);
    EXPECT_EQ(*loaded(model).encode(text), SentencePieceReference(model).encode(text));
  }
  const std::string text = longText(random, 1 << 20);
  EXPECT_EQ(*demo().encode(text), SentencePieceReference(demoModel()).encode(text));
}

// A piece of two words forbids cutting between words: the text is too long then.
TEST(Tokenizer, WhatReachesOverSpacesIsNotCut) {
  const std::string space = "\xE2\x96\x81";
  const std::string apart = protoPiece("a", 0, 1) + protoPiece(space, 0, 1);
  std::string text;
  while (text.size() < 300000)
    text += "a a ";
  EXPECT_TRUE(loaded(smallModel(apart)).encode(text).ok());
  for (const std::string &piece : {protoPiece("a" + space, -1, 1),
                                   protoPiece("a" + space + "a", -1, 5), protoPiece(" a", -1, 4)})
    EXPECT_FALSE(loaded(smallModel(apart + piece)).encode(text).ok());
  EXPECT_TRUE(loaded(smallModel(apart + protoPiece(space + space + "a", -1, 1))).encode(text).ok());
}

TEST(Tokenizer, DemoIsLikeSentencePiece) { expectLikeSentencePiece(demoModel(), 2000); }

TEST(Tokenizer, HeldOutTextIsLikeSentencePiece) {
  const std::string text =
      readFile(STRATA_DEMO_MODEL "/heldout.txt", 1 << 20).value().substr(0, 50000);
  const Ids ids = *demo().encode(text);
  EXPECT_EQ(ids, SentencePieceReference(demoModel()).encode(text));
  EXPECT_EQ(streamed(demo(), ids), text);
}

// Normalization rules, a dummy prefix and its absence, spaces joined or kept, "▁" as a suffix.
TEST(Tokenizer, OtherModelsAreLikeSentencePiece) {
  for (const char *options :
       {"--model_type=bpe --vocab_size=320 --byte_fallback",
        "--model_type=bpe --vocab_size=320 --byte_fallback --add_dummy_prefix=false",
        "--model_type=bpe --vocab_size=90 --remove_extra_whitespaces=false",
        "--model_type=bpe --vocab_size=320 --byte_fallback --treat_whitespace_as_suffix",
        "--model_type=bpe --vocab_size=320 --byte_fallback --add_dummy_prefix=false "
        "--remove_extra_whitespaces=false --normalization_rule_name=identity",
        "--model_type=unigram --vocab_size=320 --byte_fallback",
        "--model_type=unigram --vocab_size=90 --normalization_rule_name=nfkc_cf "
        "--unk_surface=? --bos_id=-1 --pad_id=3"}) {
    SCOPED_TRACE(options);
    expectLikeSentencePiece(trainSentencePiece(options), 300);
  }
}

TEST(Tokenizer, AbsentSpecialPieces) {
  const SentencePieceTokenizer tokenizer = loaded(trainSentencePiece(
      "--model_type=unigram --vocab_size=90 --bos_id=-1 --eos_piece=<end> --unk_surface=?"));
  EXPECT_EQ(tokenizer.bosId(), std::nullopt);
  EXPECT_EQ(tokenizer.padId(), std::nullopt);
  EXPECT_EQ(tokenizer.piece(tokenizer.eosId().value_or(-1)), "<end>");
  EXPECT_EQ(tokenizer.pieceBytes(tokenizer.unkId().value()), "?");
}

TEST(Tokenizer, SurvivesMoves) {
  SentencePieceTokenizer first = loaded(demoModel());
  SentencePieceTokenizer second = loaded(smallModel(protoPiece("a", 0, 1)));
  second = std::move(first);
  EXPECT_EQ(*second.encode("the word"), *demo().encode("the word"));
}
