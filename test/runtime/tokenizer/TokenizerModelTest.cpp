#include "runtime/tokenizer/TokenizerModel.h"

#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "test/runtime/tokenizer/SentencePieceReference.h"
#include "test/runtime/tokenizer/TokenizerProtoWriter.h"

#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>

using namespace strata;

namespace {

/// The message for a model, without the file's name; "" if the model loads.
std::string error(std::string_view serialized) {
  const absl::Status status = SentencePieceTokenizer::load(serialized, "t.model").status();
  if (status.ok())
    return "";
  EXPECT_TRUE(status.message().substr(0, 9) == "t.model: ") << status;
  return std::string(status.message().substr(9));
}

const std::string kA = protoPiece("a", 0, 1);
constexpr char kNotAModel[] = "not a SentencePiece model: ";

/// All 256 byte pieces.
std::string bytePieces() {
  std::string pieces;
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", byte);
    pieces += protoPiece(text, 0, 6);
  }
  return pieces;
}

/// A model with these normalization rules.
std::string withCharsmap(std::string_view charsmap) {
  return smallModel(kA) + protoNormalizer(protoBytes(2, charsmap));
}

std::string charsmapError(std::string_view charsmap) {
  const std::string message = error(withCharsmap(charsmap));
  const std::string prefix = "precompiled_charsmap: ";
  EXPECT_TRUE(message.empty() || message.starts_with(prefix)) << message;
  return message.empty() ? "" : message.substr(prefix.size());
}

/// A unit of the double array: has a leaf, offset to the children, label.
uint32_t unit(bool leaf, uint32_t offset, uint8_t label) {
  return offset << 10 | uint32_t(leaf) << 8 | label;
}

/// A charsmap of 256 units, all unused but those that are set, and these replacements.
struct Charsmap {
  uint32_t units[256];
  std::string replacements = std::string("x\0", 2);

  Charsmap() {
    for (int i = 0; i < 256; ++i)
      units[i] = uint8_t(i ^ 1); // a label that base 0 does not lead to
  }
  std::string serialized() const {
    std::string bytes(4 + sizeof(units), '\0');
    const uint32_t size = sizeof(units);
    std::memcpy(bytes.data(), &size, 4);
    std::memcpy(bytes.data() + 4, units, sizeof(units));
    return bytes + replacements;
  }
};

} // namespace

TEST(TokenizerModel, SmallModelLoads) { EXPECT_EQ(error(smallModel(kA)), ""); }

TEST(TokenizerModel, RandomBytes) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 300, '\0');
    for (char &byte : bytes)
      byte = static_cast<char>(random());
    EXPECT_NE(error(bytes), "");
  }
  EXPECT_EQ(error(""), "no pieces; is this a SentencePiece model?");
  EXPECT_EQ(error("random"),
            std::string(kNotAModel) + "ModelProto: a field of 97 bytes where only 4 are left");
  EXPECT_EQ(error(R"({"version": "1.0"})"),
            std::string(kNotAModel) + "ModelProto: field 15 has the wire type 3");
}

TEST(TokenizerModel, WireFormat) {
  EXPECT_EQ(error("\x0A"), std::string(kNotAModel) + "ModelProto: cut off inside a number");
  EXPECT_EQ(error("\x0A\x05x"),
            std::string(kNotAModel) + "ModelProto: a field of 5 bytes where only 1 are left");
  EXPECT_EQ(error(std::string("\0", 1)),
            std::string(kNotAModel) + "ModelProto: no field has the number 0");
  EXPECT_EQ(error("\x08" + std::string(9, '\xFF') + "\x02"),
            std::string(kNotAModel) + "ModelProto: a number has more than 64 bits");
  EXPECT_EQ(error(protoInt(1, 5)), std::string(kNotAModel) + "ModelProto: field 1 is not bytes");
  EXPECT_EQ(error(smallModel(protoBytes(1, protoInt(1, 3)))),
            std::string(kNotAModel) + "SentencePiece: field 1 is not bytes");
  EXPECT_EQ(error(smallModel(protoBytes(1, protoBytes(1, "x") + protoInt(2, 3)))),
            std::string(kNotAModel) + "SentencePiece: field 2 is not a 32-bit float");
  EXPECT_EQ(error(smallModel(kA, protoInt(40, int64_t(1) << 32))),
            std::string(kNotAModel) + "TrainerSpec: field 40 is not a 32-bit integer");
  EXPECT_EQ(error(smallModel(kA, protoInt(35, 2))),
            std::string(kNotAModel) + "TrainerSpec: field 35 is not true or false");
  EXPECT_EQ(error(smallModel(kA, protoInt(99, 2) + protoBytes(2000, "unknown"))), "");
}

TEST(TokenizerModel, EveryTruncationIsHarmless) {
  const std::string model = smallModel(kA + protoPiece("ab", -1, 1) + protoPiece("b", 0, 1));
  for (size_t size = 0; size < model.size(); ++size)
    error(model.substr(0, size)); // may load: what is cut off may be optional
}

TEST(TokenizerModel, Pieces) {
  const std::string place = std::string(kNotAModel) + "piece 3: ";
  EXPECT_EQ(error(smallModel(protoPiece("", 0, 1))), place + "has 0 bytes, expected 1 to 4096");
  EXPECT_EQ(error(smallModel(protoPiece(std::string(4096, 'x'), 0, 1))), "");
  EXPECT_EQ(error(smallModel(protoPiece(std::string(4096, 'x'), 0, 4))), "");
  EXPECT_EQ(error(smallModel(protoPiece(std::string(200000, 'x'), 0, 1))),
            place + "has 200000 bytes, expected 1 to 4096");
  EXPECT_EQ(error(smallModel(protoPiece("x", NAN, 1))), place + "score is nan, expected a number");
  EXPECT_EQ(error(smallModel(protoPiece("x", INFINITY, 1))),
            place + "score is inf, expected a number");
  EXPECT_EQ(error(smallModel(protoPiece("x", 0, 7))), place + "type is 7, expected 1 to 6");
  EXPECT_EQ(error(smallModel(protoPiece("x", 0, 0))), place + "type is 0, expected 1 to 6");
  EXPECT_EQ(error(smallModel(kA + kA)), "pieces 3 and 4 are both \"a\"");
  EXPECT_EQ(error(smallModel(protoPiece("<s>", 0, 1))), "pieces 1 and 3 are both \"<s>\"");
  EXPECT_EQ(error(smallModel(protoPiece("x", 0, 2))), "expected one unknown piece, found 2");
  EXPECT_EQ(error(kA + protoTrainer(protoInt(3, 2) + protoInt(41, -1) + protoInt(42, -1))),
            "expected one unknown piece, found 0");
}

TEST(TokenizerModel, TooManyPieces) {
  std::string pieces;
  for (int i = 0; i < 1 << 20; ++i)
    pieces += protoBytes(1, protoBytes(1, std::to_string(i)));
  EXPECT_EQ(error(smallModel(pieces)), std::string(kNotAModel) + "more than 1048576 pieces");
  EXPECT_EQ(error(std::string((64 << 20) + 1, '\0')),
            "file has 67108865 bytes, expected at most 67108864");
}

TEST(TokenizerModel, NulInPieces) {
  const std::string_view nul("x\0y", 3), onlyNul("\0", 1);
  EXPECT_EQ(error(smallModel(protoPiece(nul, 0, 1) + protoPiece(onlyNul, 0, 1))), "");
  EXPECT_EQ(error(smallModel(protoPiece(nul, 0, 4))), "piece 3: holds a NUL");
  EXPECT_EQ(error(smallModel(protoPiece(onlyNul, 0, 1), protoInt(3, 1))), "piece 3: holds a NUL");
}

TEST(TokenizerModel, BytePieces) {
  const std::string fallback = protoInt(35, 1);
  EXPECT_EQ(error(smallModel(bytePieces(), fallback)), "");
  EXPECT_EQ(error(smallModel(bytePieces())), "expected 0 byte pieces, found 256");
  EXPECT_EQ(error(smallModel(protoPiece("<0x41>", 0, 6), fallback)),
            "expected 256 byte pieces, found 1");
  for (const char *text : {"<0x-1>", "<0x4a>", "<0x4>", "<0x441>", "0x44", "<0xGG>", "<0x44"})
    EXPECT_EQ(error(smallModel(protoPiece(text, 0, 6), fallback)),
              "piece 3: expected a byte such as \"<0x0A>\", found \"" + std::string(text) + "\"");
}

TEST(TokenizerModel, Ids) {
  EXPECT_EQ(error(smallModel(kA, protoInt(40, 4))), "unk_id is 4, expected 0 to 3");
  EXPECT_EQ(error(smallModel(kA, protoInt(40, -1))), "unk_id is -1, expected 0 to 3");
  EXPECT_EQ(error(smallModel(kA, protoInt(41, 4))), "bos_id is 4, expected -1 to 3");
  EXPECT_EQ(error(smallModel(kA, protoInt(42, -2))), "eos_id is -2, expected -1 to 3");
  EXPECT_EQ(error(smallModel(kA, protoInt(43, 1000000))), "pad_id is 1000000, expected -1 to 3");
}

TEST(TokenizerModel, ModelTypes) {
  EXPECT_EQ(error(smallModel(kA, protoInt(3, 1))), "");
  EXPECT_EQ(error(smallModel(kA, protoInt(3, 3))),
            "model_type is 3 (words), expected 1 (unigram) or 2 (BPE)");
  EXPECT_EQ(error(smallModel(kA, protoInt(3, 4))),
            "model_type is 4 (characters), expected 1 (unigram) or 2 (BPE)");
  EXPECT_EQ(error(smallModel(kA, protoInt(3, 9))),
            "model_type is 9, expected 1 (unigram) or 2 (BPE)");
}

// SentencePiece keeps the matches of one text in an array of 64, and reads past its end.
TEST(TokenizerModel, UserDefinedPiecesThatBeginAlike) {
  const auto chain = [](size_t count) {
    std::string pieces;
    for (size_t length = count; length > 0; --length)
      pieces += protoPiece(std::string(length, 'a'), 0, 4) +
                protoPiece(std::string(length, 'a') + "b", 0, 4);
    return smallModel(pieces);
  };
  EXPECT_EQ(error(chain(63)), "");
  EXPECT_EQ(error(chain(64)),
            "more than 64 user-defined pieces begin alike: \"" + std::string(64, 'a') + "b\"");
}

TEST(TokenizerModel, SelfTestData) {
  EXPECT_EQ(error(smallModel(kA) + protoBytes(4, std::string((1 << 20) + 1, '\0'))),
            std::string(kNotAModel) + "self_test_data has more than 1048576 bytes");
  const std::string wrong = protoBytes(1, protoBytes(1, "a") + protoBytes(2, "b"));
  EXPECT_EQ(error(smallModel(kA) + protoBytes(4, wrong)),
            "SentencePiece refuses the model: Self-test failures. See LOG(INFO).");
}

TEST(TokenizerModel, Denormalizer) {
  EXPECT_EQ(error(smallModel(kA) + protoBytes(5, protoBytes(2, "x"))),
            "models with a denormalizer are not supported yet");
}

TEST(TokenizerCharsmap, RealOnesAreSound) {
  for (const char *rule : {"nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity"})
    EXPECT_EQ(
        error(trainSentencePiece("--model_type=bpe --vocab_size=90 --normalization_rule_name=" +
                                 std::string(rule))),
        "")
        << rule;
}

TEST(TokenizerCharsmap, Sizes) {
  EXPECT_EQ(charsmapError("x"), "has 1 bytes, expected at least 4");
  EXPECT_EQ(charsmapError("xyz"), "has 3 bytes, expected at least 4");
  EXPECT_EQ(charsmapError(std::string_view("\0\0\0\0", 4)),
            "trie of 0 bytes, expected a multiple of 4 up to 4194304");
  EXPECT_EQ(charsmapError(std::string_view("\5\0\0\0xxxxxy", 10)),
            "trie of 5 bytes, expected a multiple of 4 up to 4194304");
  EXPECT_EQ(charsmapError(std::string_view("\4\0\0\0xyz", 7)),
            "trie of 4 bytes where only 3 are left");
  EXPECT_EQ(charsmapError("\xFF\xFF\xFF\xFFxyz"), "trie of 4294967295 bytes where only 3 are left");
  EXPECT_EQ(charsmapError(std::string_view("\4\0\0\0\0\0\0\0", 8)),
            "unit 0 of the trie leads to unit 255, of 1");
}

TEST(TokenizerCharsmap, UnitsStayInside) {
  Charsmap charsmap;
  EXPECT_EQ(charsmapError(charsmap.serialized()), "");
  charsmap.units[0] = unit(false, 256, 1);
  EXPECT_EQ(charsmapError(charsmap.serialized()), "unit 0 of the trie leads to unit 511, of 256");
  charsmap.units[0] = unit(false, 0, 1);
  charsmap.units['a'] = unit(false, 1 << 20, 'a');
  EXPECT_EQ(charsmapError(charsmap.serialized()),
            "unit 97 of the trie leads to unit 1048831, of 256");
}

TEST(TokenizerCharsmap, ReplacementsStayInside) {
  Charsmap charsmap; // "a" has a leaf; its value is at 'a' ^ 3
  charsmap.units['a'] = unit(true, 3, 'a');
  charsmap.units['a' ^ 3] = 1u << 31;
  EXPECT_EQ(charsmapError(charsmap.serialized()), "");
  charsmap.units['a' ^ 3] = 1u << 31 | 2;
  EXPECT_EQ(charsmapError(charsmap.serialized()),
            "unit 97 of the trie has the replacement at 2, of 2 bytes");
  charsmap.units['a' ^ 3] = 1u << 31;
  charsmap.replacements = "no end";
  EXPECT_EQ(charsmapError(charsmap.serialized()),
            "the replacement at 0 does not end within 1024 bytes");
  charsmap.replacements = std::string(1025, 'x') + std::string(1, '\0');
  EXPECT_EQ(charsmapError(charsmap.serialized()),
            "the replacement at 0 does not end within 1024 bytes");
}

TEST(TokenizerCharsmap, PathsEnd) {
  Charsmap charsmap; // "aaa..." goes round
  charsmap.units['a'] = unit(false, 0, 'a');
  charsmap.units[0] = unit(false, 0, 0);
  EXPECT_EQ(charsmapError(charsmap.serialized()), "unit 0 of the trie leads back to itself");
}

// SentencePiece keeps the rules that match one text in an array of 32, and reads past its end.
TEST(TokenizerCharsmap, RulesThatMatchTheSameText) {
  const auto chain = [](uint32_t rules) { // for "a", "aa", "aaa" ...
    Charsmap charsmap;
    const auto baseAbove = [](uint32_t node) { return node ^ 'a'; };
    charsmap.units[0] = unit(false, baseAbove(128), 0);
    for (uint32_t node = 128; node < 128 + rules; ++node) {
      const uint32_t base = baseAbove(node + 1);
      charsmap.units[node] = unit(true, node ^ base, 'a');
      charsmap.units[base] = 1u << 31; // the value 0
    }
    return charsmap.serialized();
  };
  EXPECT_EQ(charsmapError(chain(32)), "");
  EXPECT_EQ(charsmapError(chain(33)), "more than 32 rules match the same text");
}

/// Loads and uses mutated models.
static void mutateModels(const std::vector<std::string> &models, int rounds) {
  std::mt19937 random(11);
  int loaded = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string model = models[round % models.size()];
    for (size_t changes = 1 + random() % 8; changes > 0; --changes)
      model[random() % model.size()] = static_cast<char>(random());
    auto tokenizer = SentencePieceTokenizer::load(model, "t.model");
    if (!tokenizer.ok())
      continue;
    ++loaded;
    for (const char *text :
         {"the quick brown fox", "a\xCC\x81 \xEF\xBD\xB6\xEF\xBE\x9E \xFF 0\xE2\x81\xB5 "})
      if (auto ids = tokenizer->encode(text); ids.ok() && !tokenizer->decode(*ids).ok())
        std::_Exit(2);
  }
  std::_Exit(loaded > rounds / 20 ? 0 : 3);
}

// What passes the validator must not crash SentencePiece, here in a process of its own.
// STRATA_TOKENIZER_MUTATIONS sets how many.
TEST(TokenizerModel, MutationsAreHarmless) {
  const char *count = std::getenv("STRATA_TOKENIZER_MUTATIONS");
  const int rounds = count ? std::atoi(count) : 500;
  std::vector<std::string> models;
  for (const char *options :
       {"--model_type=bpe --vocab_size=330 --byte_fallback", "--model_type=unigram --vocab_size=80",
        "--model_type=bpe --vocab_size=90 --user_defined_symbols=ab,abc,b "
        "--normalization_rule_name=identity"})
    models.push_back(trainSentencePiece(options));
  EXPECT_EXIT(mutateModels(models, rounds), testing::ExitedWithCode(0), "");
}
