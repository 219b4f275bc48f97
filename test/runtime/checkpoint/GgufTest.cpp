#include "runtime/checkpoint/Gguf.h"

#include "test/runtime/TestFolder.h"
#include "test/runtime/checkpoint/GgufWriter.h"

#include <gtest/gtest.h>

#include <limits>

using namespace strata;
using namespace strata::gguf;

namespace {

/// Two tensors of a model with 48 query features for 32 hidden ones.
Writer model() {
  Writer file{{{"general.architecture", text("nemotron")},
               {"nemotron.block_count", u32(1)},
               {"nemotron.context_length", u32(4096)},
               {"nemotron.embedding_length", u32(32)},
               {"nemotron.feed_forward_length", u32(64)},
               {"nemotron.attention.head_count", u32(3)},
               {"nemotron.attention.head_count_kv", u32(1)},
               {"nemotron.attention.key_length", u32(16)},
               {"nemotron.attention.value_length", u32(16)},
               {"nemotron.attention.layer_norm_epsilon", f32(1e-5f)},
               {"nemotron.rope.dimension_count", u32(8)},
               {"nemotron.rope.freq_base", f32(10000)},
               {"nemotron.rope.scaling.type", text("none")},
               {"tokenizer.ggml.bos_token_id", u32(2)},
               {"tokenizer.ggml.tokens",
                little(9, 4) + little(8, 4) + little(2, 8) + string("a") + string("b")}}};
  file.tensors = {{"token_embd.weight", {3, 2}, 30, 0}, {"blk.7.attn_norm.weight", {4}, 0, 32}};
  file.data =
      std::string(12, 'e') + std::string(20, '\0') + std::string(16, 'n') + std::string(16, '\0');
  return file;
}

/// Reads `file` as a model; its message without the path, or "" if it is accepted.
std::string error(const std::string &file) {
  TestFolder folder;
  const std::string path = folder.write("m.gguf", file) + ": ";
  const auto checkpoint = openCheckpoint(folder.path("m.gguf"));
  if (checkpoint.ok())
    return "";
  const std::string message(checkpoint.status().message());
  EXPECT_TRUE(message.starts_with(path)) << message;
  return message.substr(path.size());
}

std::string errorWith(const std::string &key, const std::string &value) {
  return error(model().set(key, value).write());
}

/// With its second tensor changed.
std::string errorOf(const Tensor &tensor) {
  Writer file = model();
  file.tensors[1] = tensor;
  return error(file.write());
}

std::string config(const Writer &file) {
  TestFolder folder;
  folder.write("m.gguf", file.write());
  const auto checkpoint = openCheckpoint(folder.path());
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  return checkpoint.ok() ? checkpoint->config() : "";
}

} // namespace

TEST(Gguf, ReadsTensorsInPlace) {
  for (const uint32_t version : {2, 3}) {
    Writer writer = model();
    writer.version = version;
    TestFolder folder;
    folder.write("m.gguf", writer.write());
    const auto checkpoint = openCheckpoint(folder.path("m.gguf"));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    ASSERT_EQ(checkpoint->tensors().size(), 2u);
    const CheckpointTensor &table = *checkpoint->find("model.embed_tokens.weight");
    EXPECT_EQ(table.dtype, DType::bf16);
    EXPECT_EQ(table.shape, (std::vector<uint64_t>{2, 3}));
    EXPECT_FALSE(table.includesOne);
    EXPECT_EQ(char(table.bytes[11]), 'e');
    const CheckpointTensor &norm = *checkpoint->find("model.layers.7.input_layernorm.weight");
    EXPECT_EQ(norm.dtype, DType::f32);
    EXPECT_TRUE(norm.includesOne);
    EXPECT_EQ(norm.offset, writer.header().size() + 32);
    ASSERT_EQ(checkpoint->files().at(0).header.size(), 1u);
    EXPECT_EQ(checkpoint->files().at(0).header[0].size(), writer.header().size());
  }
}

TEST(Gguf, EveryTensorHasItsKey) {
  const std::pair<std::string, std::string> keys[] = {
      {"output.weight", "lm_head.weight"},
      {"output_norm.bias", "model.norm.bias"},
      {"blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight"},
      {"blk.0.attn_k.weight", "model.layers.0.self_attn.k_proj.weight"},
      {"blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"},
      {"blk.0.attn_output.weight", "model.layers.0.self_attn.o_proj.weight"},
      {"blk.31.ffn_norm.weight", "model.layers.31.post_attention_layernorm.weight"},
      {"blk.31.ffn_up.weight", "model.layers.31.mlp.up_proj.weight"},
      {"blk.31.ffn_down.weight", "model.layers.31.mlp.down_proj.weight"}};
  for (const auto &[theirs, ours] : keys) {
    Writer writer = model();
    writer.tensors[1].name = theirs;
    TestFolder folder;
    folder.write("m.gguf", writer.write());
    const auto checkpoint = openCheckpoint(folder.path());
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_TRUE(checkpoint->find(ours)) << ours;
  }
}

TEST(Gguf, OtherTensorsAreRefused) {
  const std::string other =
      ": expected a tensor of a Nemotron model, found another, which may change the model";
  for (const char *name :
       {"rope_freqs.weight", "blk.0.ffn_gate.weight", "blk.0.attn_q.scale", "blk..attn_q.weight",
        "blk.x.attn_q.weight", "blk.0.attn_q", "blk.0", "blk.", "output", "output.weight.x"})
    EXPECT_EQ(errorOf({name, {4}, 0, 32}), name + other);
}

TEST(Gguf, ConfigIsThatOfHuggingFace) {
  EXPECT_EQ(config(model()),
            R"({"architectures": ["NemotronForCausalLM"], "model_type": "nemotron", )"
            R"("max_position_embeddings": 4096, "hidden_size": 32, "num_hidden_layers": 1, )"
            R"("intermediate_size": 64, "num_attention_heads": 3, "num_key_value_heads": 1, )"
            R"("head_dim": 16, "norm_eps": 9.9999997473787516e-06, "rope_theta": 10000, )"
            R"("vocab_size": 2, "partial_rotary_factor": 0.5, "bos_token_id": 2, )"
            R"("attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true})");
  Writer file = model();
  file.set("nemotron.vocab_size", u64(2)).set("nemotron.rope.scaling.type", text("linear"));
  file.set("nemotron.rope.scaling.factor", f32(4))
      .set("tokenizer.ggml.add_bos_token", boolean(true));
  file.tensors[1].name = "output.weight";
  const std::string text = config(file);
  for (const char *part :
       {R"("vocab_size": 2,)", R"("rope_scaling": {"type": "linear", "factor": 4})",
        R"("add_bos_token": true)", R"("tie_word_embeddings": false})"})
    EXPECT_TRUE(text.find(part) != std::string::npos) << part << " in " << text;
}

/// Where there are tensors of biases, the modules have them.
TEST(Gguf, Biases) {
  Writer file = model();
  file.tensors[1].name = "blk.0.attn_q.bias";
  EXPECT_NE(config(file).find(R"("attention_bias": true, "mlp_bias": false)"), std::string::npos);
  file.tensors[1].name = "blk.0.ffn_down.bias";
  EXPECT_NE(config(file).find(R"("attention_bias": false, "mlp_bias": true)"), std::string::npos);
  file.tensors[1].name = "blk.0.ffn_norm.bias"; // a norm's
  EXPECT_NE(config(file).find(R"("attention_bias": false, "mlp_bias": false)"), std::string::npos);
}

/// The reader of a config multiplies the head's features by the fraction and drops what is behind
/// the point.
TEST(Gguf, TheRotaryFractionGivesTheDimensionsBack) {
  for (const uint64_t headDim : {1, 2, 3, 16, 49, 98, 103, 107, 128, 161, 192, 300})
    for (const uint64_t count : {uint64_t(1), headDim / 3, headDim / 2, headDim - 1, headDim}) {
      if (count == 0)
        continue;
      Writer file = model();
      file.set("nemotron.embedding_length", u32(3 * headDim));
      file.set("nemotron.attention.key_length", u32(headDim));
      file.set("nemotron.attention.value_length", u32(headDim));
      const std::string text = config(file.set("nemotron.rope.dimension_count", u32(count)));
      const size_t at = text.find("\"partial_rotary_factor\": ");
      ASSERT_NE(at, std::string::npos);
      const double fraction = std::stod(text.substr(at + 25));
      EXPECT_LE(fraction, 1);
      EXPECT_EQ(uint64_t(double(headDim) * fraction), count) << headDim;
    }
}

TEST(Gguf, TheWrongRotaryDimensionsOfConvertersAreRefused) {
  // Half of 32 / 3 is 5; half of a head is 8.
  EXPECT_EQ(
      errorWith("nemotron.rope.dimension_count", u32(5)),
      "nemotron.rope.dimension_count: expected 8, half of attention.key_length, found 5, half of "
      "embedding_length / attention.head_count: a known error of converters; convert the "
      "model anew");
  Writer minitron = model();
  minitron.set("nemotron.embedding_length", u32(4096))
      .set("nemotron.attention.head_count", u32(48));
  minitron.set("nemotron.attention.key_length", u32(128))
      .set("nemotron.attention.value_length", u32(128));
  minitron.set("nemotron.rope.dimension_count", u32(42));
  EXPECT_TRUE(
      error(minitron.write()).starts_with("nemotron.rope.dimension_count: expected 64, half"));
  EXPECT_EQ(error(minitron.set("nemotron.rope.dimension_count", u32(64)).write()), "");
  EXPECT_EQ(errorWith("nemotron.rope.dimension_count", u32(17)),
            "nemotron.rope.dimension_count: expected 1 to 16, found 17");
  EXPECT_EQ(errorWith("nemotron.rope.dimension_count", u32(0)),
            "nemotron.rope.dimension_count: expected 1 to 16, found 0");
}

TEST(Gguf, WhatMayChangeTheModelIsRefused) {
  EXPECT_EQ(errorWith("nemotron.attention.sliding_window", u32(1024)),
            "nemotron.attention.sliding_window: expected a key that is known for this "
            "architecture, found "
            "another, which may change the model");
  EXPECT_EQ(errorWith("nemotron.attention.value_length", u32(8)),
            "nemotron.attention.value_length: expected 16 as in attention.key_length, found 8");
  EXPECT_EQ(errorWith("nemotron.rope.scaling.type", text("yarn")),
            "nemotron.rope.scaling.type: expected none, or linear and a factor, found yarn without "
            "a factor");
  EXPECT_EQ(errorWith("nemotron.rope.scaling.type", text("linear")),
            "nemotron.rope.scaling.type: expected none, or linear and a factor, found linear "
            "without a factor");
}

TEST(Gguf, ValuesHaveTheirKind) {
  EXPECT_EQ(errorWith("nemotron.block_count", f32(1)),
            "nemotron.block_count: expected an integer, found a number");
  EXPECT_EQ(errorWith("nemotron.feed_forward_length",
                      little(9, 4) + little(4, 4) + little(1, 8) + little(64, 4)),
            "nemotron.feed_forward_length: expected an integer, found an array");
  EXPECT_EQ(errorWith("nemotron.rope.freq_base", text("10000")),
            "nemotron.rope.freq_base: expected a number, found text");
  EXPECT_EQ(errorWith("nemotron.rope.freq_base", u32(10000)), "");
  EXPECT_EQ(errorWith("nemotron.rope.freq_base", f32(std::numeric_limits<float>::quiet_NaN())),
            "nemotron.rope.freq_base: expected a finite number, found nan");
  EXPECT_EQ(errorWith("tokenizer.ggml.add_bos_token", u32(1)),
            "tokenizer.ggml.add_bos_token: expected a boolean, found an integer");
  EXPECT_EQ(errorWith("general.architecture", u32(1)),
            "general.architecture: expected text, found an integer");
  EXPECT_EQ(errorWith("nemotron.block_count", u64(UINT64_MAX)),
            "nemotron.block_count: expected an integer of at most 9223372036854775807, found "
            "18446744073709551615");
}

TEST(Gguf, OtherModels) {
  EXPECT_EQ(errorWith("general.architecture", text("llama")),
            "general.architecture: expected nemotron, the one architecture supported, found llama");
  EXPECT_EQ(error(Writer{{{"a", u32(1)}}}.write()),
            "general.architecture: expected nemotron, the one architecture supported, found none");
}

/// Numbers of GGUF's quantized types, and the bytes of 256 weights.
struct Quantized {
  uint32_t number;
  DType dtype;
  uint64_t bytes;
};
constexpr Quantized kQuantized[] = {{8, DType::q8_0, 272},    {2, DType::q4_0, 144},
                                    {3, DType::q4_1, 160},    {6, DType::q5_0, 176},
                                    {7, DType::q5_1, 192},    {12, DType::q4_k, 144},
                                    {13, DType::q5_k, 176},   {14, DType::q6_k, 210},
                                    {20, DType::iq4_nl, 144}, {23, DType::iq4_xs, 136}};

/// The model with three rows of 512 quantized weights behind its embedding.
Writer quantizedModel(const Quantized &type) {
  Writer file = model();
  file.tensors[1] = {"blk.0.attn_q.weight", {512, 3}, type.number, 32};
  file.data.resize(32);
  file.data += std::string(6 * type.bytes, char(type.number));
  return file;
}

/// Blocks lie in the file as they are; the shape is that of the weights in them.
TEST(Gguf, QuantizedTensorsAreReadInPlace) {
  for (const Quantized &type : kQuantized) {
    TestFolder folder;
    folder.write("m.gguf",
                 quantizedModel(type).set("general.quantization_version", u32(2)).write());
    const auto checkpoint = openCheckpoint(folder.path("m.gguf"));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    const auto *tensor = checkpoint->find("model.layers.0.self_attn.q_proj.weight");
    EXPECT_EQ(tensor->dtype, type.dtype);
    EXPECT_EQ(tensor->shape, (std::vector<uint64_t>{3, 512}));
    ASSERT_EQ(tensor->bytes.size(), 6 * type.bytes);
    EXPECT_EQ(tensor->bytes.back(), std::byte(type.number));
  }
}

TEST(Gguf, QuantizedTensorsFillTheFile) {
  for (const Quantized &type : kQuantized) {
    Writer file = quantizedModel(type);
    const std::string bytes = std::to_string(6 * type.bytes + 31);
    file.data.pop_back();
    EXPECT_EQ(error(file.write()),
              "blk.0.attn_q.weight: shape [3, 512] of " + std::string(name(type.dtype)) +
                  " from 32 on does not fit the " + bytes + " bytes of data in the file");
  }
}

TEST(Gguf, QuantizedRowsAreWholeBlocks) {
  EXPECT_EQ(errorOf({"output.weight", {48, 2}, 8, 32}),
            "output.weight: expected a multiple of 32 columns of q8_0, found 48");
  EXPECT_EQ(errorOf({"output.weight", {1056, 8}, 12, 32}),
            "output.weight: expected a multiple of 256 columns of q4_k, found 1056");
  EXPECT_EQ(errorOf({"output.weight", {}, 2, 32}),
            "output.weight: expected a multiple of 32 columns of q4_0, found 1");
}

/// Only matrices may be quantized: others are of a type that who needs them expects.
TEST(Gguf, QuantizedNormsAreRefusedWhereTheyAreNeeded) {
  Writer file = model();
  file.tensors[1] = {"output_norm.weight", {32}, 8, 32};
  file.data = std::string(32 + 34, '\0');
  TestFolder folder;
  folder.write("m.gguf", file.write());
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  constexpr uint64_t kShape[] = {32};
  constexpr DType kTypes[] = {DType::bf16, DType::f16, DType::f32};
  EXPECT_EQ(checkpoint->require("model.norm.weight", kShape, kTypes).status().message(),
            folder.path("m.gguf") +
                ": model.norm.weight: dtype is q8_0, expected bf16, f16 or f32");
}

TEST(Gguf, BlocksAreOfTheOneVersion) {
  EXPECT_EQ(errorWith("general.quantization_version", u32(2)), "");
  EXPECT_EQ(errorWith("general.quantization_version", u32(1)),
            "general.quantization_version: expected 2, found 1");
}

TEST(Gguf, OtherTypesAreRefusedByName) {
  for (const auto &[type, name] : {std::pair<uint32_t, const char *>{9, "Q8_1"},
                                   {10, "Q2_K"},
                                   {11, "Q3_K"},
                                   {18, "IQ3_XXS"},
                                   {34, "TQ1_0"},
                                   {39, "MXFP4"},
                                   {40, "NVFP4"}})
    EXPECT_EQ(errorOf({"output.weight", {256}, type, 32}),
              "output.weight: quantized to " + std::string(name) +
                  ", which is not supported; expected bf16, f16, f32, Q8_0, Q4_0, Q4_1, Q5_0, "
                  "Q5_1, Q4_K, Q5_K, Q6_K, IQ4_NL or IQ4_XS");
  for (const auto &[type, name] : {std::pair<uint32_t, const char *>{4, "Q4_2"},
                                   {5, "Q4_3"},
                                   {31, "Q4_0_4_4"},
                                   {32, "Q4_0_4_8"},
                                   {33, "Q4_0_8_8"},
                                   {36, "IQ4_NL_4_4"},
                                   {37, "IQ4_NL_4_8"},
                                   {38, "IQ4_NL_8_8"}})
    EXPECT_EQ(errorOf({"output.weight", {256}, type, 32}),
              "output.weight: quantized to " + std::string(name) +
                  ", which GGUF no longer has; convert the model again, e.g. to Q4_0");
  for (const uint32_t type : {42u, 1000u, UINT32_MAX})
    EXPECT_EQ(errorOf({"output.weight", {256}, type, 32}),
              "output.weight: type " + std::to_string(type) + " is none that is known");
}

TEST(Gguf, OtherFiles) {
  EXPECT_EQ(error(""), "expected a GGUF file, found other first bytes");
  EXPECT_EQ(error("GGML"), "expected a GGUF file, found other first bytes");
  EXPECT_EQ(error("version https://git-lfs.github.com/spec/v1"),
            "this is a Git LFS pointer, not the file; fetch it with `git lfs pull`");
  Writer file = model();
  file.version = 1;
  EXPECT_EQ(error(file.write()), "GGUF version: expected 2 or 3, found 1");
  file.version = 3u << 24;
  EXPECT_EQ(error(file.write()), "GGUF version: expected 2 or 3, found 50331648: files of "
                                 "big-endian machines are not supported");
}

TEST(Gguf, CountsAreBounded) {
  const auto shifted = [](int64_t tensors, int64_t keys) {
    Writer file = model();
    file.tensorsShift = tensors, file.keysShift = keys;
    return error(file.write());
  };
  EXPECT_EQ(shifted(INT64_MAX, 0), "expected at most 65536 tensors and keys, found "
                                   "9223372036854775809 and 15");
  EXPECT_EQ(shifted(0, -16), "expected at most 65536 tensors and keys, found 2 and "
                             "18446744073709551615");
  EXPECT_NE(shifted(1, 0), "");
  EXPECT_NE(shifted(0, 1), "");
  EXPECT_NE(shifted(-1, 0), "");
  EXPECT_NE(shifted(0, -1), "");
}

TEST(Gguf, KeysAreDifferentAndOfReasonableLength) {
  Writer file = model();
  file.metadata.push_back(file.metadata[1]);
  EXPECT_EQ(error(file.write()), "nemotron.block_count: key stands more than once in the metadata");
  file.metadata.back().first = "";
  EXPECT_EQ(error(file.write()), "metadata: key 15: expected 1 to 1024 bytes, found 0");
  file.metadata.back().first = std::string(1025, 'k');
  EXPECT_EQ(error(file.write()), "metadata: key 15: expected 1 to 1024 bytes, found 1025");
}

TEST(Gguf, ValuesLieInTheFile) {
  EXPECT_EQ(errorWith("x", little(8, 4) + little(UINT64_MAX, 8)), "x: the file ends in the value");
  EXPECT_EQ(errorWith("x", little(9, 4) + little(4, 4) + little(UINT64_MAX, 8)),
            "x: the file ends in the value");
  EXPECT_EQ(errorWith("x", little(9, 4) + little(4, 4) + little(uint64_t(1) << 62, 8)),
            "x: the file ends in the value");
  EXPECT_EQ(errorWith("x", little(9, 4) + little(8, 4) + little(UINT64_MAX, 8)),
            "x: the file ends in the value");
  EXPECT_EQ(errorWith("x", little(9, 4) + little(9, 4) + little(1, 8)),
            "x: array: expected elements of type 0 to 12 but not 9, found 9");
  EXPECT_EQ(errorWith("x", little(9, 4) + little(13, 4) + little(1, 8)),
            "x: array: expected elements of type 0 to 12 but not 9, found 13");
  EXPECT_EQ(errorWith("x", little(13, 4)), "x: type: expected 0 to 12, found 13");
  EXPECT_EQ(errorWith("x", little(UINT32_MAX, 4)), "x: type: expected 0 to 12, found 4294967295");
}

TEST(Gguf, Alignment) {
  EXPECT_EQ(errorWith("general.alignment", u32(32)), "");
  for (const uint64_t alignment : {uint64_t(0), uint64_t(24), uint64_t(1) << 31})
    EXPECT_EQ(errorWith("general.alignment", u32(alignment)),
              "general.alignment: expected a power of two up to 1048576, found " +
                  std::to_string(alignment));
  Writer file = model();
  file.alignment = 64;
  file.set("general.alignment", u32(64));
  file.tensors[1].offset = 64;
  file.data.insert(32, 32, '\0');
  EXPECT_EQ(error(file.write()), "");
}

TEST(Gguf, TensorsFillTheFile) {
  EXPECT_EQ(errorOf({"output.weight", {4}, 0, 33}),
            "output.weight: data begins at 33, expected 32");
  EXPECT_EQ(errorOf({"output.weight", {4}, 0, 0}), "output.weight: data begins at 0, expected 32");
  EXPECT_EQ(errorOf({"output.weight", {4}, 0, 64}),
            "output.weight: data begins at 64, expected 32");
  EXPECT_EQ(errorOf({"output.weight", {4}, 0, UINT64_MAX - 15}),
            "output.weight: data begins at 18446744073709551600, expected 32");
  EXPECT_EQ(
      errorOf({"output.weight", {9}, 0, 32}),
      "output.weight: shape [9] of f32 from 32 on does not fit the 64 bytes of data in the file");
  EXPECT_EQ(
      errorOf({"output.weight", {uint64_t(1) << 62}, 0, 32}),
      "output.weight: shape [4611686018427387904] of f32 from 32 on does not fit the 64 bytes "
      "of data in the file");
  EXPECT_EQ(errorOf({"output.weight", {uint64_t(1) << 33, uint64_t(1) << 33}, 0, 32}),
            "output.weight: shape [8589934592, 8589934592] of f32 from 32 on does not fit the 64 "
            "bytes of data in the file");
  EXPECT_EQ(errorOf({"output.weight", {0}, 0, 32}),
            "file holds 64 bytes of data, tensors account for 32");
  EXPECT_EQ(errorOf({"token_embd.weight", {4}, 0, 32}),
            "token_embd.weight: expected different tensors, found this one twice");
  EXPECT_EQ(
      errorOf({"", {4}, 0, 32}),
      "tensor 1: expected a name of 1 to 1024 bytes and at most 4 dimensions, found 0 bytes and 1");
  EXPECT_EQ(
      errorOf({"x", {1, 1, 1, 1, 4}, 0, 32}),
      "tensor 1: expected a name of 1 to 1024 bytes and at most 4 dimensions, found 1 bytes and 5");
  Writer file = model();
  EXPECT_EQ(error(file.write() + std::string(32, '\0')),
            "file holds 96 bytes of data, tensors account for 64");
  // The last tensor's padding may be missing.
  file.data.resize(48);
  EXPECT_EQ(error(file.write()), "");
}

TEST(Gguf, EveryTruncationIsAnError) {
  const std::string file = model().write();
  for (size_t size = 0; size != file.size() - 16; ++size)
    EXPECT_NE(error(file.substr(0, size)), "") << size;
}

TEST(Gguf, OneFileOfAFolder) {
  TestFolder folder;
  folder.write("a.gguf", model().write());
  folder.write("b.gguf", model().write());
  EXPECT_EQ(openCheckpoint(folder.path()).status().message(),
            folder.path() + ": found a.gguf and b.gguf; name one of them");
  EXPECT_TRUE(openCheckpoint(folder.path("b.gguf")).ok());
  folder.write("pytorch_model.bin", "");
  folder.write("model.safetensors", safetensors("{}"));
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->notes(),
            std::vector<std::string>{folder.path() + ": reads model.safetensors, not "
                                                     "pytorch_model.bin, a.gguf, b.gguf"});
}
