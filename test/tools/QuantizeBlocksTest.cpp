//===- QuantizeBlocksTest.cpp - from GGUF's quantized weights -------------===//

#include "runtime/base/SmallFloats.h"
#include "runtime/checkpoint/Blocks.h"
#include "test/runtime/TestFolder.h"
#include "test/runtime/checkpoint/GgufWriter.h"
#include "tools/quantize/Quantize.h"
#include "tools/quantize/QuantizeRow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace strata {
namespace {

/// A model of one layer, the least there is, whose linears have types of their own.
class QuantizeBlocks : public testing::Test {
protected:
  QuantizeBlocks() {
    file.metadata = {{"general.architecture", gguf::text("nemotron")},
                     {"nemotron.block_count", gguf::u32(1)},
                     {"nemotron.context_length", gguf::u32(4096)},
                     {"nemotron.embedding_length", gguf::u32(64)},
                     {"nemotron.feed_forward_length", gguf::u32(96)},
                     {"nemotron.attention.head_count", gguf::u32(1)},
                     {"nemotron.attention.head_count_kv", gguf::u32(1)},
                     {"nemotron.rope.dimension_count", gguf::u32(32)}};
    add("token_embd.weight", {40, 64}, DType::q4_0, 2);
    for (const char *norm : {"blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"})
      for (const char *kind : {".weight", ".bias"})
        add(std::string(norm) + kind, {64}, DType::f32, 0);
    for (const char *linear : {"attn_q", "attn_k", "attn_v", "attn_output"})
      add("blk.0." + std::string(linear) + ".weight", {64, 64}, DType::q8_0, 8);
    add("blk.0.ffn_up.weight", {96, 64}, DType::q5_1, 7);
    add("blk.0.ffn_down.weight", {64, 96}, DType::iq4_nl, 20);
    add("output.weight", {40, 64}, DType::q4_1, 3);
  }

  /// A tensor of random bytes, whose f16 are small, and of ones where it is f32.
  void add(const std::string &name, const std::vector<uint64_t> &shape, DType dtype,
           uint32_t number) {
    file.data.resize((file.data.size() + 31) / 32 * 32);
    file.tensors.push_back({name, {shape.rbegin(), shape.rend()}, number, file.data.size()});
    const BlockSize size = blockSize(dtype);
    std::string bytes(size.bytesOf(checkedProduct(shape)).value(), '\0');
    for (char &byte : bytes)
      byte = char(random());
    for (size_t at = 0; at < bytes.size(); at += size.bytes) {
      if (dtype == DType::f32)
        bytes.replace(at, 4, std::string("\0\0\x80\x3f", 4));
      else
        bytes[at + 1] = bytes[at + 3] = 0x10; // d, and m where there is one
    }
    file.data += bytes;
  }

  absl::StatusOr<QuantizeSummary> quantize() {
    folder.write("m.gguf", file.write());
    return quantizeModel({folder.path("m.gguf"), out.path("q")},
                         [](const QuantizeProgress &) { return absl::OkStatus(); });
  }

  gguf::Writer file;
  std::mt19937 random{1};
  TestFolder folder, out;
};

/// The floats that a tensor of blocks stands for.
std::vector<float> decode(const CheckpointTensor &tensor) {
  std::vector<float> weights(tensor.shape[0] * tensor.shape[1]);
  decodeBlocks(tensor.dtype, tensor.bytes, weights);
  return weights;
}

template <typename T>
std::vector<T> valuesOf(const CheckpointTensor *tensor) {
  std::vector<T> values(tensor->bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return values;
}

/// Linears are what their decoded weights are rounded to.
TEST_F(QuantizeBlocks, LinearsAreDecodedAndRounded) {
  const auto summary = quantize();
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->linears, 7u);
  const auto from = openCheckpoint(folder.path("m.gguf")), to = openCheckpoint(out.path("q"));
  ASSERT_TRUE(to.ok()) << to.status();
  for (const auto &[key, tensor] : from->tensors()) {
    if (tensor.shape.size() != 2 || key == "model.embed_tokens.weight")
      continue;
    const std::vector<float> weights = decode(tensor);
    std::vector<int8_t> values(weights.size());
    std::vector<uint16_t> scales(weights.size() / 32);
    quantizeRow(weights, /*bits=*/8, {values, scales}); // groups do not cross rows
    EXPECT_EQ(valuesOf<int8_t>(to->find(key)), values) << key;
    EXPECT_EQ(valuesOf<uint16_t>(to->find(key + "_scale")), scales) << key;
  }
}

/// Where the scale of a Q8_0 block has no more bits than bf16 has, and the largest weight is 127,
/// nothing is rounded.
TEST_F(QuantizeBlocks, Q8_0CanStayTheSame) {
  const size_t first = file.tensors[7].offset; // of attn_q
  for (size_t block = 0; block < 128; ++block) {
    std::string bytes(34, char(block));
    bytes[0] = 0x00, bytes[1] = 0x14; // 2^-10
    bytes[2] = 127;
    file.data.replace(first + 34 * block, 34, bytes);
  }
  ASSERT_TRUE(quantize().ok());
  const auto to = openCheckpoint(out.path("q"));
  ASSERT_TRUE(to.ok()) << to.status();
  const std::string key = "model.layers.0.self_attn.q_proj.weight";
  const auto values = valuesOf<int8_t>(to->find(key));
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(values[i], i % 32 ? int8_t(i / 32) : 127) << i;
  for (uint16_t scale : valuesOf<uint16_t>(to->find(key + "_scale")))
    ASSERT_EQ(fromBf16(scale), 0x1p-10f);
}

TEST_F(QuantizeBlocks, TheEmbeddingBecomesBf16) {
  const auto summary = quantize();
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->notes,
            std::vector<std::string>{folder.path("m.gguf") +
                                     ": model.embed_tokens.weight: q4_0 before, bf16 after"});
  const auto from = openCheckpoint(folder.path("m.gguf")), to = openCheckpoint(out.path("q"));
  ASSERT_TRUE(to.ok()) << to.status();
  const auto *table = to->find("model.embed_tokens.weight");
  ASSERT_EQ(table->dtype, DType::bf16);
  const auto found = valuesOf<uint16_t>(table);
  const std::vector<float> weights = decode(*from->find("model.embed_tokens.weight"));
  for (size_t i = 0; i < weights.size(); ++i) {
    const float lost = fromBf16(found[i]) - weights[i];
    ASSERT_LE(std::abs(lost), std::abs(weights[i]) * 0x1p-8f) << i << ": more than half a unit";
  }
}

/// A scale may be anything; what comes of it may not.
TEST_F(QuantizeBlocks, NotFiniteIsNamed) {
  file.data[1] = 0x7e; // NaN, of the embedding's first block
  file.data[18 * 5 + 1] = 0x10;
  EXPECT_EQ(quantize().status().message(),
            folder.path("m.gguf") + ": model.embed_tokens.weight: expected finite numbers, found "
                                    "an infinity or NaN at [0, 0]");
  file.data[1] = 0x10;
  const size_t down = file.tensors[12].offset;
  file.data[down + 18 * 4 + 1] = 0x7c; // the second row's second block
  EXPECT_EQ(quantize().status().message(),
            folder.path("m.gguf") +
                ": model.layers.0.mlp.down_proj.weight: expected finite numbers, found "
                "an infinity or NaN at [1, 32]");
}

} // namespace
} // namespace strata
