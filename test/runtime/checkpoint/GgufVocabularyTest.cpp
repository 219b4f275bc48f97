#include "runtime/checkpoint/GgufVocabulary.h"

#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "test/runtime/checkpoint/GgufWriter.h"

#include <gtest/gtest.h>

using namespace strata;

namespace {

std::string array(uint32_t type, size_t count, const std::string &elements) {
  return absl::StrCat(little(9, 4), little(type, 4), little(count, 8), elements);
}

std::string element(float value) { return gguf::f32(value).substr(4); }

absl::Status anyModel(const GgufFile &) { return absl::OkStatus(); }

/// A file without tensors whose vocabulary is that of a tokenizer.model.
gguf::Writer fileOf(const TokenizerModel &model) {
  std::string tokens, scores, types;
  for (const Piece &piece : model.pieces) {
    tokens += gguf::string(piece.text);
    scores += element(piece.score);
    types += little(uint64_t(piece.type), 4);
  }
  const size_t count = model.pieces.size();
  gguf::Writer file;
  file.set("general.architecture", gguf::text("nemotron"));
  file.set("tokenizer.ggml.model", gguf::text("llama"));
  file.set("tokenizer.ggml.tokens", array(8, count, tokens));
  file.set("tokenizer.ggml.scores", array(6, count, scores));
  file.set("tokenizer.ggml.token_type", array(5, count, types));
  file.set("tokenizer.ggml.bos_token_id", gguf::u32(2));
  file.set("tokenizer.ggml.eos_token_id", gguf::u32(3));
  file.set("tokenizer.ggml.padding_token_id", gguf::u32(0));
  return file;
}

const std::string &demoModel() {
  static const std::string model =
      readFile(STRATA_DEMO_MODEL "/tokenizer.model", kMaxTokenizerBytes).value();
  return model;
}

gguf::Writer demoFile() { return fileOf(*parseTokenizerModel(demoModel(), "demo")); }

absl::StatusOr<std::string> modelOf(const gguf::Writer &writer) {
  const std::string header = writer.header();
  const auto file = GgufFile::read(std::as_bytes(std::span(header)), "m.gguf", anyModel);
  EXPECT_TRUE(file.ok()) << file.status();
  return sentencePieceModel(*file);
}

bool tokenizes(const gguf::Writer &writer) {
  const std::string header = writer.header();
  return hasVocabulary(*GgufFile::read(std::as_bytes(std::span(header)), "m.gguf", anyModel))
      .value();
}

std::string errorOf(const gguf::Writer &writer) {
  return std::string(modelOf(writer).status().message());
}

} // namespace

TEST(GgufVocabulary, EncodesAsTheModelItCameFrom) {
  const auto original = SentencePieceTokenizer::load(demoModel(), "demo");
  const auto rebuilt = SentencePieceTokenizer::load(modelOf(demoFile()).value(), "m.gguf");
  ASSERT_TRUE(rebuilt.ok()) << rebuilt.status();
  EXPECT_EQ(rebuilt->bosId(), 2);
  EXPECT_EQ(rebuilt->eosId(), 3);
  EXPECT_EQ(rebuilt->padId(), 0);
  const std::string heldOut =
      readFile(STRATA_DEMO_MODEL "/heldout.txt", 1 << 20).value().substr(0, 20000);
  for (const std::string &text :
       {heldOut, std::string("  a  <extra_id_1>b \xF0\x9F\x98\x80\n"), std::string()}) {
    EXPECT_EQ(*rebuilt->encode(text), *original->encode(text));
    EXPECT_EQ(*rebuilt->decode(*original->encode(text)), text);
  }
}

TEST(GgufVocabulary, SpacesAsTheFileSays) {
  gguf::Writer file = demoFile();
  file.set("tokenizer.ggml.add_space_prefix", gguf::boolean(false));
  const auto tokenizer = SentencePieceTokenizer::load(modelOf(file).value(), "m.gguf");
  EXPECT_EQ(tokenizer->piece(tokenizer->encode("the")->front()), "th");
}

TEST(GgufVocabulary, NoneIsNoError) {
  gguf::Writer file;
  file.set("general.architecture", gguf::text("nemotron"));
  EXPECT_FALSE(tokenizes(file));
  EXPECT_FALSE(tokenizes(file.set("tokenizer.ggml.model", gguf::text("none"))));
  EXPECT_TRUE(tokenizes(demoFile()));
}

TEST(GgufVocabulary, Errors) {
  const auto with = [](const std::string &key, const std::string &value) {
    return errorOf(demoFile().set("tokenizer.ggml." + key, value));
  };
  EXPECT_EQ(with("model", gguf::text("gpt2")),
            "m.gguf: tokenizer.ggml.model: gpt2 is not supported, expected llama");
  EXPECT_EQ(with("scores", array(6, 1, element(0))),
            "m.gguf: tokenizer.ggml.scores: expected 2048 elements, one for each token, found 1");
  EXPECT_EQ(with("token_type", array(6, 1, element(0))),
            "m.gguf: tokenizer.ggml.token_type: expected elements of type 5, found 6");
  EXPECT_EQ(with("tokens", array(5, 1, little(0, 4))),
            "m.gguf: tokenizer.ggml.tokens: expected elements of type 8, found 5");
  EXPECT_EQ(with("bos_token_id", gguf::u32(2048)),
            "m.gguf: tokenizer.ggml.bos_token_id: expected 0 to 2047, found 2048");
}
