#include "runtime/checkpoint/Nemo.h"

#include "test/runtime/TestFolder.h"
#include "test/runtime/checkpoint/PickleWriter.h"
#include "test/runtime/checkpoint/TarWriter.h"

#include <gtest/gtest.h>

#include <map>

using namespace strata;

namespace {

namespace fs = std::filesystem;

/// Two groups of two heads of queries, of three rows each; two columns.
constexpr char kConfig[] = R"(num_layers: 2
hidden_size: 2
ffn_hidden_size: 4
num_attention_heads: 4
num_query_groups: 2
kv_channels: 3
max_position_embeddings: 64
normalization: layernorm1p
activation: squared-relu
bias: false
position_embedding_type: rope
rotary_percentage: 0.5
share_embeddings_and_output_weights: false
layernorm_epsilon: 1.0e-05
tokenizer:
  model: nemo:abc_tokenizer.model
)";

using Files = std::map<std::string, std::string>;

const std::string kEmbedding = "model.embedding.word_embeddings.weight";
const std::string kEmbeddingFolder = "model_weights/" + kEmbedding + "/"; // as a zarr array

/// Keys and shapes of tensors.
using Tensors = std::vector<std::pair<std::string, std::vector<int32_t>>>;

/// A state dict of tensors of bytes, which count from 0; the first of them is the embedding.
std::string checkpoint(Tensors tensors = {}) {
  tensors.insert(tensors.begin(), {kEmbedding, {5, 2}});
  ZipWriter zip;
  std::string entries;
  for (const auto &[key, shape] : tensors) {
    const std::string number = std::to_string(zip.entries.size());
    auto [tensor, bytes] = pickle::counting(shape);
    tensor.key = number;
    entries += pickle::text(key) + tensor.write();
    zip.entries.push_back({"a/data/" + number, bytes});
  }
  entries = pickle::program(absl::StrCat("}(", entries, "u"));
  zip.entries.push_back({"a/data.pkl", entries});
  return zip.write();
}

/// The files of a model.
Files model(const std::string &config, const Tensors &tensors = {}) {
  return {{"model_config.yaml", config}, {"model_weights.ckpt", checkpoint(tensors)}};
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  return text.replace(text.find(from), from.size(), to);
}

std::string zarray(const std::string &shape, const std::string &chunks,
                   const std::string &more = "") {
  return absl::StrCat(
      R"({"zarr_format": 2, "compressor": null, "filters": null, "order": "C", "fill_value": null, )",
      R"("dtype": "bfloat16", "shape": )", shape, R"(, "chunks": )", chunks, more, "}");
}

std::string archive(const Files &files) {
  std::string bytes;
  for (const auto &[name, contents] : files)
    bytes += tar::member("./" + name, contents);
  return bytes + tar::end();
}

/// Reads the files in an archive; the message without its path, or "" if they are accepted.
std::string error(const Files &files) {
  TestFolder folder;
  const std::string path = folder.write("m.nemo", archive(files)) + ": ";
  const auto checkpoint = openCheckpoint(folder.path("m.nemo"));
  if (checkpoint.ok())
    return "";
  const std::string message(checkpoint.status().message());
  EXPECT_TRUE(message.starts_with(path)) << message;
  return message.substr(path.size());
}

std::string errorWith(const std::string &from, const std::string &to) {
  return error(model(replaced(kConfig, from, to)));
}

std::string bytesOf(const CheckpointTensor &tensor) {
  return std::string(reinterpret_cast<const char *>(tensor.bytes.data()), tensor.bytes.size());
}

} // namespace

TEST(Nemo, QueriesKeysAndValuesAreRowsOfOneMatrix) {
  Files files =
      model(kConfig, {{"model.decoder.layers.1.self_attention.linear_qkv.weight", {24, 2}},
                      {"model.decoder.layers.1.self_attention.linear_qkv.layer_norm_weight", {2}},
                      {"model.decoder.layers.1.mlp.linear_fc1.weight", {4, 2}},
                      {"model.decoder.final_layernorm.bias", {2}},
                      {"model.rotary_pos_emb.inv_freq", {2}}});
  files["abc_tokenizer.model"] = "pieces";
  TestFolder folder;
  folder.write("m.nemo", archive(files));
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->tensors().size(), 7u);
  // A group is 2 x 3 rows of queries, 3 of keys, 3 of values; a row is 2 bytes.
  const CheckpointTensor &q = *checkpoint->find("model.layers.1.self_attn.q_proj.weight");
  EXPECT_EQ(q.shape, (std::vector<uint64_t>{12, 2}));
  EXPECT_EQ(q.box, (Box{.groupRows = 6, .groupStride = 12}));
  EXPECT_EQ(q.bytes[0], std::byte(0));
  EXPECT_EQ(q.bytes.size(), 36u);
  const CheckpointTensor &k = *checkpoint->find("model.layers.1.self_attn.k_proj.weight");
  EXPECT_EQ(k.shape, (std::vector<uint64_t>{6, 2}));
  EXPECT_EQ(k.box, (Box{.groupRows = 3, .groupStride = 12}));
  EXPECT_EQ(k.bytes[0], std::byte(12));
  const CheckpointTensor &v = *checkpoint->find("model.layers.1.self_attn.v_proj.weight");
  EXPECT_EQ(v.bytes[0], std::byte(18));
  EXPECT_EQ(v.bytes.size(), 30u);
  EXPECT_FALSE(checkpoint->find("model.layers.1.input_layernorm.weight")->includesOne);
  EXPECT_TRUE(checkpoint->find("model.layers.1.mlp.up_proj.weight"));
  EXPECT_TRUE(checkpoint->find("model.norm.bias"));
  ASSERT_TRUE(checkpoint->tokenizer());
  EXPECT_EQ(checkpoint->tokenizer()->read(6)->size(), 6u);
  EXPECT_TRUE(std::string(checkpoint->tokenizer()->read(5).status().message())
                  .ends_with(": tokenizer: expected at most 5 bytes, found 6"));
  EXPECT_EQ(
      checkpoint->config(),
      R"({"architectures": ["NemotronForCausalLM"], "model_type": "nemotron", "vocab_size": 5, )"
      R"("hidden_size": 2, "intermediate_size": 4, "num_hidden_layers": 2, )"
      R"("num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 3, )"
      R"("max_position_embeddings": 64, "norm_eps": 1.0000000000000001e-05, )"
      R"("rope_theta": 10000, "partial_rotary_factor": 0.5, "tie_word_embeddings": false})");
}

TEST(Nemo, OneGroupIsContiguous) {
  TestFolder folder;
  folder.write(
      "m.nemo",
      archive(model(replaced(kConfig, "groups: 2", "groups: 1"),
                    {{"model.decoder.layers.0.self_attention.linear_qkv.weight", {18, 2}}})));
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const CheckpointTensor &k = *checkpoint->find("model.layers.0.self_attn.k_proj.weight");
  EXPECT_EQ(k.box, Box());
  EXPECT_EQ(k.bytes[0], std::byte(24));
  EXPECT_EQ(k.bytes.size(), 6u);
}

/// Layers are stacked; two of them in a file here.
TEST(Nemo, ZarrArraysInAnArchiveAndInAFolder) {
  const std::string layers = "model_weights/model.decoder.layers.mlp.linear_fc2.weight/";
  const Files files = {{"model_config.yaml", kConfig},
                       {kEmbeddingFolder + ".zarray", zarray("[3, 1]", "[3, 1]")},
                       {kEmbeddingFolder + "0.0", "abcdef"},
                       {layers + ".zarray", zarray("[4, 1, 2]", "[2, 1, 2]")},
                       {layers + "0.0.0", "00001111"},
                       {layers + "1.0.0", "22223333"},
                       {"model_weights/model.decoder.layers.mlp._extra_state/.zarray", "no JSON"}};
  TestFolder folder;
  folder.write("m.nemo", archive(files));
  fs::create_directory(folder.path("unpacked"));
  for (const auto &[name, contents] : files) {
    fs::create_directories(fs::path(folder.path("unpacked/" + name)).parent_path());
    folder.write("unpacked/" + name, contents);
  }
  for (const char *name : {"m.nemo", "unpacked"}) {
    const auto checkpoint = openCheckpoint(folder.path(name));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->tensors().size(), 5u);
    EXPECT_EQ(bytesOf(*checkpoint->find("model.embed_tokens.weight")), "abcdef");
    EXPECT_EQ(bytesOf(*checkpoint->find("model.layers.1.mlp.down_proj.weight")), "1111");
    EXPECT_EQ(bytesOf(*checkpoint->find("model.layers.2.mlp.down_proj.weight")), "2222");
  }
  const auto unpacked = openCheckpoint(folder.path("unpacked"));
  const uint32_t file = unpacked->find("model.layers.3.mlp.down_proj.weight")->file;
  EXPECT_EQ(unpacked->files()[file].name, layers + "1.0.0");
  EXPECT_EQ(unpacked->files()[file].header[0].size(), 8u); // the first bytes of what has no header
}

TEST(Nemo, ZarrArraysAreWholeAndPlain) {
  const auto with = [](const std::string &description, const std::string &contents = "abcdef") {
    return error({{"model_config.yaml", kConfig},
                  {kEmbeddingFolder + ".zarray", description},
                  {kEmbeddingFolder + "0.0", contents}});
  };
  const std::string place = kEmbeddingFolder + ".zarray: ";
  EXPECT_EQ(with(zarray("[3, 1]", "[3, 1]")), "");
  EXPECT_EQ(with(zarray("[3, 1]", "[3, 1]"), "abcde"),
            kEmbeddingFolder +
                "0.0: file has 5 bytes, expected 6 for 3 rows of shape [3, 1] of bf16");
  EXPECT_EQ(with(zarray("[3, 1]", "[1, 1]")),
            "model_weights/model.embedding.word_embeddings.weight: expected one chunk, found 3, as "
            "a model of several tensor-parallel ranks is saved; save it with "
            "tensor_model_parallel_size 1");
  EXPECT_EQ(with(zarray("[3, 2]", "[3, 1]")),
            place +
                "chunks: expected slices of the first axis, found chunks [3, 1] of shape [3, 2], "
                "as a model of several tensor-parallel ranks is saved; save it with "
                "tensor_model_parallel_size 1");
  EXPECT_EQ(with(zarray("[3, 1]", "[2, 1]")),
            place + "chunks: expected whole slices, found chunks [2, 1] of shape [3, 1]");
  EXPECT_EQ(with(zarray("[3, 1]", "[0, 1]")),
            place + "chunks: expected whole slices, found chunks [0, 1] of shape [3, 1]");
  EXPECT_EQ(with(zarray("[]", "[]")),
            place + "chunks: expected whole slices, found chunks [] of shape []");
  EXPECT_EQ(with(zarray("[1000000, 1]", "[1, 1]")),
            place + "chunks: expected at most 65536 files, found 1000000");
  EXPECT_EQ(with(zarray("[-3, 1]", "[3, 1]")).substr(0, place.size() + 8), place + "shape[0]");
  EXPECT_EQ(
      with(zarray("[4611686018427387904, 8]", "[4611686018427387904, 8]")),
      kEmbeddingFolder +
          "0.0: file has 6 bytes, expected more than fit 64 bits for 4611686018427387904 rows "
          "of shape [4611686018427387904, 8] of bf16");
  EXPECT_EQ(with("{").substr(0, place.size() + 8), place + "not JSON");
  const auto changed = [&](const std::string &from, const std::string &to) {
    return with(replaced(zarray("[3, 1]", "[3, 1]"), from, to));
  };
  EXPECT_EQ(changed("bfloat16", "<c8"), place + "dtype: expected bfloat16, <f2 or <f4, found <c8");
  EXPECT_EQ(changed("\"C\"", "\"F\""), place + "order: expected C, found F");
  EXPECT_EQ(changed("\"zarr_format\": 2", "\"zarr_format\": 3"),
            place + "zarr_format: expected an integer in [2, 2], found 3");
  EXPECT_EQ(changed("\"compressor\": null", "\"compressor\": {}").substr(0, place.size() + 26),
            place + "compressor: expected null:");
  EXPECT_EQ(with(zarray("[3, 1]", "[3, 1]", R"(, "dimension_separator": "/")")),
            place + "dimension_separator: expected ., found /");
}

TEST(Nemo, OtherWeights) {
  EXPECT_EQ(error({{"model_config.yaml", kConfig}}),
            "model_weights/: expected .metadata or zarr arrays, found neither");
  EXPECT_EQ(error({{"model_config.yaml", kConfig}, {"model_weights/__0_0.distcp", ""}}),
            "model_weights/: expected .metadata or zarr arrays, found neither");
  EXPECT_EQ(
      error({{"model_config.yaml", kConfig}, {"mp_rank_00/model_weights.ckpt", ""}}),
      "mp_rank_00/model_weights.ckpt: weights of one rank of several, which is not supported; "
      "save the model with tensor_model_parallel_size 1");
  EXPECT_EQ(error({{"model_weights.ckpt", checkpoint()}}), "model_config.yaml: missing");
}

TEST(Nemo, OtherTensorsAreRefused) {
  const auto with = [](const std::string &key) { return error(model(kConfig, {{key, {2}}})); };
  const std::string other =
      ": expected a tensor of a Nemotron model, found another, which may change the model";
  EXPECT_EQ(with("model.decoder.layers.0.mlp.linear_fc1.bias"),
            "model_weights.ckpt: model.decoder.layers.0.mlp.linear_fc1.bias" + other);
  for (const char *key : {"model.embedding.position_embeddings.weight",
                          "model.decoder.layers.x.mlp.linear_fc1.weight", "model.decoder.layers.",
                          "model.decoder.layers.12345.mlp.linear_fc1.weight", "x"})
    EXPECT_EQ(with(key), "model_weights.ckpt: " + std::string(key) + other);
  EXPECT_EQ(with("model.decoder.layers.0.self_attention.linear_qkv.weight"),
            "model_weights.ckpt: model.layers.0.self_attn.linear_qkv.weight: shape is [2], "
            "expected 2 groups of 2 + 2 heads of 3 rows, [24, hidden_size]");
  EXPECT_TRUE(with("model.module.embedding.word_embeddings.weight").find("tensor is also in") !=
              std::string::npos);
}

TEST(Nemo, OtherArchitecturesAreRefused) {
  const std::string place = "model_config.yaml: ";
  EXPECT_EQ(errorWith("layernorm1p", "rmsnorm"),
            place + "normalization: expected layernorm1p, found rmsnorm");
  EXPECT_EQ(errorWith("activation: squared-relu\n", ""),
            place + "activation: expected squared-relu, found none");
  EXPECT_EQ(errorWith(": rope", ": learned_absolute"),
            place + "position_embedding_type: expected rope, found learned_absolute");
  EXPECT_EQ(errorWith("bias: false", "bias: true"),
            place + "bias: expected false, found true or none, which means true: "
                    "linear biases are not supported");
  EXPECT_EQ(errorWith("bias: false\n", ""),
            place + "bias: expected false, found true or none, which means true: "
                    "linear biases are not supported");
}

TEST(Nemo, HeadsAreChecked) {
  const std::string place = "model_config.yaml: ";
  EXPECT_EQ(errorWith("num_attention_heads: 4", "num_attention_heads: 0"),
            place + "num_attention_heads: expected an integer in [1, 1024], found 0");
  EXPECT_EQ(errorWith("num_attention_heads: 4\n", ""),
            place + "num_attention_heads: missing, expected an integer in [1, 1024]");
  EXPECT_EQ(errorWith("num_attention_heads: 4", "num_attention_heads: 5"),
            place + "num_attention_heads: expected a multiple of 2 groups and at most 2, found 5");
  EXPECT_EQ(errorWith("kv_channels: 3", "kv_channels: 99999999999"),
            place + "kv_channels: expected an integer in [1, 1024], found 99999999999");
  EXPECT_EQ(errorWith("kv_channels: 3", "kv_channels: null"),
            place + "num_attention_heads: expected a multiple of 2 groups and at most 2, found 4");
  EXPECT_EQ(errorWith("num_query_groups: 2", "num_query_groups: [2]"),
            place + "num_query_groups: expected an integer, found no simple value");
  EXPECT_EQ(errorWith("hidden_size: 2", "hidden_size: x"),
            place + "hidden_size: expected an integer, found x");
}
