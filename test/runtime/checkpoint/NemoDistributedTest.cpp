#include "test/runtime/TestFolder.h"
#include "test/runtime/checkpoint/PickleWriter.h"
#include "test/runtime/checkpoint/TarWriter.h"

#include "runtime/checkpoint/Checkpoint.h"

#include <gtest/gtest.h>

#include <map>

using namespace strata;

namespace {

namespace fs = std::filesystem;

constexpr char kConfig[] = R"(_target_: nemo.collections.llm.gpt.model.nemotron.NemotronModel
config:
  activation_func:
    _call_: false
    _target_: megatron.core.fusions.fused_bias_squared_relu.squared_relu
  add_bias_linear: false
  ffn_hidden_size: 4
  hidden_size: 2
  kv_channels: 3
  layernorm_epsilon: 1.0e-05
  layernorm_zero_centered_gamma: true
  normalization: LayerNorm
  num_attention_heads: 4
  num_layers: 2
  num_query_groups: null
  params_dtype: &id001
    _call_: false
    _target_: torch.bfloat16
  pipeline_dtype: *id001
  position_embedding_type: rope
  rotary_base: 10000
  rotary_percent: 0.5
  seq_length: 64
  share_embeddings_and_output_weights: false
tokenizer: null
)";

/// The same of NeMo 1, which keeps such arrays in archives, too.
constexpr char kConfig1[] = R"(num_layers: 2
hidden_size: 2
ffn_hidden_size: 4
num_attention_heads: 4
kv_channels: 3
max_position_embeddings: 64
normalization: layernorm1p
activation: squared-relu
bias: false
position_embedding_type: rope
)";

using Files = std::map<std::string, std::string>;
using Sizes = std::vector<int32_t>;

const std::string kEmbedding = "module.embedding.word_embeddings.weight";
const std::string kDown = "module.decoder.layers.mlp.linear_fc2.weight";

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  return text.replace(text.find(from), from.size(), to);
}

std::string numbers(const Sizes &sizes) {
  std::string items;
  for (const int32_t size : sizes)
    items += pickle::number(size);
  return pickle::tuple(items);
}

std::string torchSize(const Sizes &sizes) {
  return pickle::global("torch", "Size") + pickle::tuple(numbers(sizes)) + "R";
}

/// An object that was made without arguments and given attributes.
std::string object(const std::string &module, const std::string &name,
                   const std::string &attributes) {
  return pickle::global("torch.distributed.checkpoint." + module, name) + ")\x81}(" + attributes +
         "ub";
}

/// A tensor of u8 that begins with `first` and counts on, and where its chunks lie.
struct Chunk {
  Sizes offsets, sizes;
  std::string file = "__0_0.distcp";
  char first = 'a';
  std::string storage = "ByteStorage"; // of what is written
};
struct Tensor {
  std::string key;
  Sizes shape;
  std::vector<Chunk> chunks;
  std::string dtype = "uint8"; // as the metadata tells
};

/// What torch.save writes of a chunk.
std::string saved(const Chunk &chunk) {
  auto [tensor, bytes] = pickle::counting(chunk.sizes, chunk.first);
  tensor.storageClass = chunk.storage;
  ZipWriter zip;
  zip.entries = {{"archive/data/0", bytes}, {"archive/data.pkl", pickle::program(tensor.write())}};
  return zip.write();
}

/// The files of a distributed checkpoint of these tensors, in `folder`.
Files distributed(const std::string &folder, const std::vector<Tensor> &tensors,
                  const std::string &more = "") {
  using pickle::text;
  Files files;
  std::string described, stored;
  for (const Tensor &tensor : tensors) {
    std::string chunks;
    for (const Chunk &chunk : tensor.chunks) {
      const std::string bytes = saved(chunk);
      std::string &file = files[folder + chunk.file];
      chunks += object("metadata", "ChunkStorageMetadata",
                       text("offsets") + torchSize(chunk.offsets) + text("sizes") +
                           torchSize(chunk.sizes));
      stored += object("metadata", "MetadataIndex",
                       text("fqn") + text(tensor.key) + text("offset") + torchSize(chunk.offsets)) +
                object("filesystem", "_StorageInfo",
                       text("relative_path") + text(chunk.file) + text("offset") +
                           pickle::number(int32_t(file.size())) + text("length") +
                           pickle::number(int32_t(bytes.size())) + more);
      file += bytes;
    }
    const std::string properties =
        pickle::global("torch.distributed.checkpoint.metadata", "TensorProperties") + ")\x81" +
        pickle::tuple(pickle::global("torch", tensor.dtype) + "N") + "b";
    described += text(tensor.key) +
                 object("metadata", "TensorStorageMetadata",
                        text("properties") + properties + text("size") + torchSize(tensor.shape) +
                            text("chunks") + "](" + chunks + "e");
  }
  described += text("module.decoder.layers.mlp._extra_state/shard_0_2") +
               object("metadata", "BytesStorageMetadata", "");
  stored += object("metadata", "MetadataIndex",
                   text("fqn") + text("module.decoder.layers.mlp._extra_state/shard_0_2") +
                       text("offset") + "N") +
            "N";
  files[folder + ".metadata"] =
      pickle::program(object("metadata", "Metadata",
                             text("state_dict_metadata") + "}(" + described + "u" +
                                 text("storage_data") + "}(" + stored + "u"));
  return files;
}

/// An embedding in one piece, and the second linears of two layers, each in a file of its own.
std::vector<Tensor> model() {
  return {
      {kEmbedding, {3, 2}, {{{0, 0}, {3, 2}}}},
      {kDown,
       {2, 2, 4},
       {{{1, 0, 0}, {1, 2, 4}, "__1_0.distcp", 'q'}, {{0, 0, 0}, {1, 2, 4}, "__0_0.distcp", 'i'}}},
      {"optimizer.state.exp_avg." + kEmbedding, {3, 2}, {{{0, 0}, {1, 2}}}}};
}

Files nemo2(Files files) {
  files["context/model.yaml"] = kConfig;
  return files;
}

void write(const TestFolder &folder, const Files &files) {
  for (const auto &[name, contents] : files) {
    fs::create_directories(fs::path(folder.path(name)).parent_path());
    folder.write(name, contents);
  }
}

/// The message without the folder's path, or "" if the folder is accepted.
std::string error(const Files &files) {
  TestFolder folder;
  write(folder, files);
  const auto checkpoint = openCheckpoint(folder.path());
  if (checkpoint.ok())
    return "";
  const std::string message(checkpoint.status().message());
  EXPECT_TRUE(message.starts_with(folder.path())) << message;
  const size_t length = folder.path().size();
  return message.substr(length + (message[length] == '/' ? 1 : 2));
}

std::string errorOf(const std::vector<Tensor> &tensors, const std::string &more = "") {
  return error(nemo2(distributed("weights/", tensors, more)));
}

std::string errorWith(const std::string &from, const std::string &to) {
  Files files = nemo2(distributed("weights/", model()));
  files["context/model.yaml"] = replaced(kConfig, from, to);
  return error(files);
}

std::string bytesOf(const Checkpoint &checkpoint, const std::string &key) {
  const CheckpointTensor *tensor = checkpoint.find(key);
  return tensor ? std::string(reinterpret_cast<const char *>(tensor->bytes.data()),
                              tensor->bytes.size())
                : "none";
}

} // namespace

TEST(NemoDistributed, AFolderOfNemo2) {
  TestFolder folder;
  Files files = nemo2(distributed("weights/", model()));
  files["weights/metadata.json"] = R"({"sharded_backend": "torch_dist"})";
  files["context/nemo_tokenizer/tokenizer_config.json"] = "{}";
  write(folder, files);
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->tensors().size(), 3u);
  EXPECT_EQ(bytesOf(*checkpoint, "model.embed_tokens.weight"), "abcdef");
  EXPECT_EQ(bytesOf(*checkpoint, "model.layers.0.mlp.down_proj.weight"), "ijklmnop");
  EXPECT_EQ(bytesOf(*checkpoint, "model.layers.1.mlp.down_proj.weight"), "qrstuvwx");
  const CheckpointTensor &down = *checkpoint->find("model.layers.1.mlp.down_proj.weight");
  EXPECT_EQ(down.shape, (std::vector<uint64_t>{2, 4}));
  EXPECT_EQ(checkpoint->files()[down.file].name, "weights/__1_0.distcp");
  EXPECT_EQ(checkpoint->files()[down.file].header.size(), 2u); // the pickle, the directory
  EXPECT_EQ(checkpoint->textFolder(), folder.path("context/nemo_tokenizer"));
  EXPECT_EQ(checkpoint->configPath(), folder.path("context/model.yaml"));
  EXPECT_EQ(
      checkpoint->config(),
      R"({"architectures": ["NemotronForCausalLM"], "model_type": "nemotron", "vocab_size": 3, )"
      R"("hidden_size": 2, "intermediate_size": 4, "num_hidden_layers": 2, )"
      R"("num_attention_heads": 4, "head_dim": 3, "max_position_embeddings": 64, )"
      R"("norm_eps": 1.0000000000000001e-05, "rope_theta": 10000, "partial_rotary_factor": 0.5, )"
      R"("tie_word_embeddings": false})");
}

TEST(NemoDistributed, AnArchiveOfNemo1) {
  Files files = distributed("model_weights/", model());
  files["model_config.yaml"] = kConfig1;
  std::string bytes;
  for (const auto &[name, contents] : files)
    bytes += tar::member("./" + name, contents);
  TestFolder folder;
  folder.write("m.nemo", bytes + tar::end());
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(bytesOf(*checkpoint, "model.embed_tokens.weight"), "abcdef");
  EXPECT_EQ(bytesOf(*checkpoint, "model.layers.1.mlp.down_proj.weight"), "qrstuvwx");
}

TEST(NemoDistributed, SentencePieceBesideTheConfiguration) {
  TestFolder folder;
  Files files = nemo2(distributed("weights/", model()));
  files["context/model.yaml"] =
      replaced(kConfig, "tokenizer: null", "tokenizer:\n  model_path: abc");
  files["context/abc"] = "pieces";
  write(folder, files);
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  ASSERT_TRUE(checkpoint->tokenizer());
  EXPECT_EQ(*checkpoint->tokenizer()->read(6), "pieces");
}

TEST(NemoDistributed, FilesAreThereAndWhole) {
  Files files = nemo2(distributed("weights/", model()));
  const std::string whole = files["weights/__1_0.distcp"];
  files.erase("weights/__1_0.distcp");
  EXPECT_EQ(error(files), "weights/__1_0.distcp: missing");
  files["weights/__1_0.distcp"] = whole.substr(0, whole.size() - 1);
  EXPECT_EQ(error(files),
            absl::StrCat("weights/__1_0.distcp: ", kDown, ": expected ", whole.size(),
                         " bytes from byte 0 on, found a file of ", whole.size() - 1, " bytes"));
  files["weights/__1_0.distcp"] = std::string(whole.size(), 'x');
  EXPECT_TRUE(error(files).starts_with("weights/__1_0.distcp: " + kDown + ": "));
  files.erase("weights/.metadata");
  EXPECT_EQ(error(files), "weights/: expected .metadata or zarr arrays, found neither");
  files["weights/.metadata"] = "no pickle";
  EXPECT_EQ(error(files),
            "weights/.metadata: expected a pickle of protocol 2 to 5, found other bytes");
  files["weights/metadata.json"] = R"({"sharded_backend": "fsdp_dtensor"})";
  EXPECT_EQ(error(files), "weights/metadata.json: sharded_backend: expected torch_dist or zarr, "
                          "found fsdp_dtensor");
}

TEST(NemoDistributed, ChunksShareNoBytes) {
  Files files = nemo2(distributed("weights/", model()));
  std::string &pickle = files["weights/.metadata"];
  const std::string length = pickle::text("length");
  const size_t first = pickle.find(length) + length.size();
  pickle.replace(first, 5, pickle::number(9999));
  EXPECT_EQ(error(files), "weights/.metadata: " + kDown +
                              ": expected bytes of its own in "
                              "__0_0.distcp, found some of " +
                              kEmbedding);
}

/// A parameter of a package is one piece of one file.
TEST(NemoDistributed, TensorsInSeveralPiecesAreRefused) {
  const std::string ranks = ", as a model of several tensor-parallel ranks is saved; save it with "
                            "tensor_model_parallel_size 1";
  auto tensors = model();
  tensors[0].chunks = {{{0, 0}, {2, 2}}, {{2, 0}, {1, 2}, "__1_0.distcp"}};
  EXPECT_EQ(errorOf(tensors), "weights/.metadata: " + kEmbedding +
                                  ": expected chunks of whole tensors of shape [3, 2], found one "
                                  "of shape [2, 2]" +
                                  ranks);
  tensors = model();
  tensors[1].chunks[0].sizes = {1, 1, 4};
  EXPECT_EQ(errorOf(tensors), "weights/.metadata: " + kDown +
                                  ": expected chunks of whole layers of shape [2, 2, 4], found one "
                                  "of shape [1, 1, 4]" +
                                  ranks);
  tensors = model();
  tensors[1].chunks.pop_back(); // that of the first layer
  EXPECT_EQ(errorOf(tensors),
            "weights/.metadata: " + kDown + ": expected a chunk at layer 0, found one at 1");
  tensors[1].shape[0] = 3;
  tensors[1].chunks[0].offsets[0] = 0;
  EXPECT_EQ(errorOf(tensors),
            "weights/.metadata: " + kDown + ": expected chunks of 3 layers, found those of 1");
}

TEST(NemoDistributed, MetadataAndFilesMustAgree) {
  auto tensors = model();
  tensors[0].dtype = "bfloat16";
  EXPECT_EQ(errorOf(tensors),
            "weights/__0_0.distcp: " + kEmbedding +
                ": expected shape [3, 2] of bf16, as .metadata tells, found [3, 2] of u8");
  tensors[0].dtype = "OrderedDict";
  EXPECT_TRUE(errorOf(tensors).find("refuses global torch.OrderedDict") != std::string::npos);
  tensors = model();
  tensors[0].chunks[0].offsets = {1, 0};
  EXPECT_EQ(errorOf(tensors), "weights/.metadata: " + kEmbedding +
                                  ": expected chunks inside of shape [3, 2], found one of shape "
                                  "[3, 2] at [1, 0]");
  EXPECT_EQ(errorOf(model(), pickle::text("transform_descriptors") + "](Ne"),
            "weights/.metadata: " + kEmbedding +
                ": transform_descriptors: expected none, found some: tensors that were "
                "transformed, e.g. compressed, are not supported");
  EXPECT_EQ(errorOf(model(), pickle::text("transform_descriptors") + "N"), "");
  tensors = model();
  tensors.push_back({"module.decoder.layers.mlp.router.weight", {2, 2}, {{{0, 0}, {2, 2}}}});
  EXPECT_EQ(errorOf(tensors),
            "weights/.metadata: module.decoder.layers.mlp.router.weight: expected a tensor of a "
            "Nemotron model, found another, which may change the model");
  tensors = {model()[1]};
  EXPECT_EQ(errorOf(tensors), "embedding.word_embeddings.weight: missing, expected a matrix");
}

TEST(NemoDistributed, OtherObjectsInThePickle) {
  Files files = nemo2({});
  files["weights/.metadata"] = pickle::program(pickle::global("os", "system"));
  EXPECT_TRUE(error(files).starts_with("weights/.metadata: byte 2: refuses global os.system"));
  files["weights/.metadata"] = pickle::program("}");
  const std::string other = "weights/.metadata: expected Metadata of torch.distributed.checkpoint "
                            "with state_dict_metadata and storage_data, found another object";
  EXPECT_EQ(error(files), other);
  files["weights/.metadata"] = pickle::program(object("metadata", "Metadata", ""));
  EXPECT_EQ(error(files), other);
}

TEST(NemoDistributed, OtherArchitecturesAreRefused) {
  const std::string place = "context/model.yaml: config.";
  EXPECT_EQ(errorWith(".squared_relu", ".gelu"),
            place + "activation_func._target_: expected .squared_relu, found "
                    "megatron.core.fusions.fused_bias_squared_relu.gelu");
  EXPECT_EQ(errorWith("gamma: true", "gamma: false"),
            place + "layernorm_zero_centered_gamma: expected true, found false or none, which "
                    "means false: other norms are not supported");
  EXPECT_EQ(errorWith("seq_length: 64", "seq_length: 64\n  gated_linear_unit: true"),
            place + "gated_linear_unit: expected false, found true: gated units are not supported");
  EXPECT_EQ(errorWith("seq_length: 64", "seq_length: 64\n  num_moe_experts: 8"),
            place + "num_moe_experts: expected none, found 8");
  EXPECT_EQ(errorWith("  num_attention_heads: 4\n", ""),
            place + "num_attention_heads: missing, expected an integer in [1, 1024]");
}
