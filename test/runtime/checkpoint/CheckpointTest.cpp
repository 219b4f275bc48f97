#include "runtime/checkpoint/Checkpoint.h"

#include "test/runtime/TestFolder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace strata;

namespace {

/// A file of one tensor of four bytes.
std::string fileOf(const std::string &key) {
  return safetensors(
      "{\"" + key + "\": {\"dtype\": \"BF16\", \"shape\": [2], \"data_offsets\": [0, 4]}}", "1234");
}

std::string openError(const TestFolder &folder) {
  return std::string(openCheckpoint(folder.path()).status().message());
}

void writeIndex(const TestFolder &folder, const std::string &weightMap) {
  folder.write("model.safetensors.index.json",
               "{\"metadata\": {\"total_size\": 8}, \"weight_map\": " + weightMap + "}");
}

/// The message for an index that names `shard`, as it stands in JSON.
std::string shardError(const std::string &shard) {
  TestFolder folder;
  writeIndex(folder, "{\"a\": \"" + shard + "\"}");
  const std::string message = openError(folder);
  const std::string file = folder.path("model.safetensors.index.json") + ": ";
  EXPECT_TRUE(message.starts_with(file)) << message;
  return message.substr(file.size());
}

} // namespace

TEST(Checkpoint, SingleFile) {
  TestFolder folder;
  folder.write("model.safetensors", fileOf("w"));
  auto checkpoint = openCheckpoint(folder.path() + "/");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->files().size(), 1u);
  const Checkpoint moved = *std::move(checkpoint);
  EXPECT_EQ(static_cast<char>(moved.find("w")->bytes[0]), '1');
}

TEST(Checkpoint, RequireNamesWhatIsWrong) {
  TestFolder folder;
  const std::string path = folder.write("model.safetensors", fileOf("model.norm.weight"));
  auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const std::vector<uint64_t> shape = {2}, other = {1, 2};
  const std::vector<DType> types = {DType::bf16, DType::f16}, f32 = {DType::f32},
                           three = {DType::f16, DType::f32, DType::i8};
  EXPECT_EQ(*checkpoint->require("model.norm.weight", shape, types),
            checkpoint->find("model.norm.weight"));
  const auto message = [&](std::string_view key, std::span<const uint64_t> shape,
                           std::span<const DType> types) {
    return std::string(checkpoint->require(key, shape, types).status().message());
  };
  EXPECT_EQ(message("model.norm.weight", other, types),
            path + ": model.norm.weight: shape is [2], expected [1, 2]");
  EXPECT_EQ(message("model.norm.weight", shape, f32),
            path + ": model.norm.weight: dtype is bf16, expected f32");
  EXPECT_EQ(message("model.norm.weight", shape, three),
            path + ": model.norm.weight: dtype is bf16, expected f16, f32 or i8");
  EXPECT_EQ(message("model.norm.bias", other, types),
            path + ": model.norm.bias: missing, expected a tensor of shape [1, 2]");
}

TEST(Checkpoint, RowsInGroupsSpanWhatLiesBetween) {
  // Two rows of four values, two rows of others, two rows, ...: 6 rows from a span of 10.
  CheckpointTensor tensor{DType::bf16, {6, 4}, /*file=*/0, /*offset=*/16};
  EXPECT_EQ(tensor.spanBytes(), 6 * 4 * 2u);
  tensor.box = {.groupRows = 2, .groupStride = 4};
  EXPECT_EQ(tensor.spanBytes(), 10 * 4 * 2u);
  tensor.shape = {0, 4};
  EXPECT_EQ(tensor.spanBytes(), 0u);
  tensor.shape = {6, uint64_t(1) << 61};
  EXPECT_EQ(tensor.spanBytes(), std::nullopt);

  TestFolder folder;
  auto mapping = MappedFile::open(folder.write("file", std::string(16, 'h') + "aabbccddeeffgg"));
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  Checkpoint checkpoint;
  const auto header = mapping->bytes().first(16);
  const uint32_t file = checkpoint.addFile("file", *std::move(mapping), {header});
  ASSERT_TRUE(
      checkpoint
          .addTensor("w", {DType::u8, {2, 2}, file, 16, Box{.groupRows = 1, .groupStride = 3}})
          .ok());
  const auto bytes = checkpoint.find("w")->bytes;
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size()), "aabbccdd");
}

TEST(Checkpoint, SomeColumnsSpanWhatLiesBetween) {
  // Four values of each row of ten.
  CheckpointTensor tensor{DType::bf16, {6, 4}, /*file=*/0, /*offset=*/16, Box{.rowStride = 10}};
  EXPECT_EQ(tensor.spanBytes(), (5 * 10 + 4) * 2u);
  tensor.box = {.rowStride = 10, .groupRows = 2, .groupStride = 4};
  EXPECT_EQ(tensor.spanBytes(), (9 * 10 + 4) * 2u);
  tensor.box = {.rowStride = uint64_t(1) << 62};
  EXPECT_EQ(tensor.spanBytes(), std::nullopt);
  tensor.shape = {0, 4};
  EXPECT_EQ(tensor.spanBytes(), 0u);
}

TEST(Checkpoint, BoxesWithNothingOfOthersAreNone) {
  TestFolder folder;
  auto mapping = MappedFile::open(folder.write("file", std::string(16, 'h') + "aabbccdd"));
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  Checkpoint checkpoint;
  const auto header = mapping->bytes().first(16);
  const uint32_t file = checkpoint.addFile("file", *std::move(mapping), {header});
  for (Box box : {Box{2}, Box{2, 2, 2}, Box{0, 4, 7}}) {
    const std::string key = describe(box);
    ASSERT_TRUE(checkpoint.addTensor(key, {DType::u8, {4, 2}, file, 16, box}).ok());
    EXPECT_EQ(checkpoint.find(key)->box, Box()) << key;
  }
}

TEST(Checkpoint, Shards) {
  TestFolder folder;
  folder.write("one.safetensors", fileOf("b"));
  folder.write("two.safetensors", fileOf("a"));
  writeIndex(folder, R"({"a": "two.safetensors", "b": "one.safetensors"})");
  auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  ASSERT_EQ(checkpoint->files().size(), 2u);
  EXPECT_EQ(checkpoint->files()[0].name, "one.safetensors");
  EXPECT_EQ(checkpoint->find("a")->file, 1u);
  EXPECT_EQ(checkpoint->tensors().begin()->first, "a");
  EXPECT_EQ(checkpoint->require("c", {}, {}).status().message(),
            folder.path("model.safetensors.index.json") +
                ": c: missing, expected a tensor of shape []");
}

TEST(Checkpoint, HubCacheOfSymbolicLinks) {
  TestFolder folder;
  std::filesystem::create_directories(folder.path("blobs"));
  std::filesystem::create_directories(folder.path("snapshots/abc"));
  folder.write("blobs/1f2e", fileOf("a"));
  folder.write("blobs/77aa", R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})");
  std::filesystem::create_symlink("../../blobs/1f2e",
                                  folder.path("snapshots/abc/model-00001-of-00001.safetensors"));
  std::filesystem::create_symlink("../../blobs/77aa",
                                  folder.path("snapshots/abc/model.safetensors.index.json"));
  auto checkpoint = openCheckpoint(folder.path("snapshots/abc"));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE(checkpoint->find("a"));
}

TEST(Checkpoint, ShardNamesStayInTheFolder) {
  const std::string expected =
      "weight_map.a: expected the name of a file in the same folder, found ";
  for (const char *name :
       {"../x", "../../etc/passwd", "/etc/passwd", "a/../b", "..", ".", "", "a/b"})
    EXPECT_EQ(shardError(name), expected + "\"" + name + "\"");
  EXPECT_EQ(shardError("a\\\\b"), expected + "\"a\\\\b\"");
  EXPECT_EQ(shardError("a\\u0000"), expected + "\"a\\x00\"");
  EXPECT_EQ(shardError(std::string(4096, 'n')), expected + "\"" + std::string(80, 'n') + "...\"");
}

TEST(Checkpoint, ShardsThatAreNotThere) {
  TestFolder folder;
  folder.write("a.safetensors", fileOf("a"));
  std::filesystem::create_directories(folder.path("folder"));
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", folder.path("zero"));
  std::filesystem::create_symlink("loop", folder.path("loop"));
  const auto message = [&](const std::string &shard) {
    writeIndex(folder, "{\"a\": \"" + shard + "\"}");
    return openError(folder);
  };
  EXPECT_EQ(message("b.safetensors"),
            folder.path("b.safetensors") + ": cannot open: No such file or directory");
  EXPECT_EQ(message("A.safetensors"),
            folder.path("A.safetensors") + ": cannot open: No such file or directory");
  EXPECT_EQ(message("folder"), folder.path("folder") + ": expected a regular file, found a folder");
  EXPECT_EQ(message("pipe"), folder.path("pipe") + ": expected a regular file, found a pipe");
  EXPECT_EQ(message("zero"),
            folder.path("zero") + ": expected a regular file, found a character device");
  EXPECT_EQ(message("loop"),
            folder.path("loop") + ": cannot open: Too many levels of symbolic links");
}

/// As in transformers, all tensors of all shards count; the index decides between two.
TEST(Checkpoint, IndexAndShardsNeedNotAgree) {
  TestFolder folder;
  folder.write("one", fileOf("a"));
  folder.write("two", fileOf("b"));
  folder.write("also", fileOf("a"));
  const std::string index = folder.path("model.safetensors.index.json") + ": ";
  const auto fileOfTensor = [&](const std::string &map, const std::string &key) {
    writeIndex(folder, map);
    const auto checkpoint = openCheckpoint(folder.path());
    return checkpoint->files()[checkpoint->find(key)->file].name;
  };
  const auto error = [&](const std::string &map, const std::string &key) {
    writeIndex(folder, map);
    return std::string(openCheckpoint(folder.path())->require(key, {}, {}).status().message());
  };
  EXPECT_EQ(fileOfTensor(R"({"a": "two", "b": "one"})", "a"), "one");
  EXPECT_EQ(fileOfTensor(R"({"a": "one", "c": "two"})", "b"), "two");
  EXPECT_EQ(fileOfTensor(R"({"a": "one", "b": "also"})", "a"), "one");
  EXPECT_EQ(fileOfTensor(R"({"a": "also", "b": "one"})", "a"), "also");
  EXPECT_EQ(error(R"({"a": "one", "b": "one"})", "b"),
            index + "b: not in one, which is to hold it by weight_map");
  EXPECT_EQ(error(R"({"x": "one", "y": "also"})", "a"),
            index + "a: is in also and in one, and weight_map does not tell which counts");
  folder.write("both", safetensors(R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]},
                                       "b": {"dtype": "U8", "shape": [], "data_offsets": [1, 2]}})",
                                   "12"));
  EXPECT_EQ(fileOfTensor(R"({"a": "both"})", "b"), "both");
}

TEST(Checkpoint, IndexIsWellFormed) {
  TestFolder folder;
  const std::string index = folder.path("model.safetensors.index.json") + ": ";
  folder.write("model.safetensors.index.json", "{}");
  EXPECT_EQ(openError(folder), index + "weight_map: missing, expected an object");
  writeIndex(folder, "[]");
  EXPECT_EQ(openError(folder), index + "weight_map: expected an object, found a list");
  writeIndex(folder, R"({"a": 1})");
  EXPECT_EQ(openError(folder), index + "weight_map.a: expected a string, found 1");
  folder.write("model.safetensors.index.json", "");
  EXPECT_EQ(openError(folder), index + "not JSON: there is nothing but whitespace");
  std::filesystem::resize_file(folder.path("model.safetensors.index.json"), (64u << 20) + 1);
  EXPECT_EQ(openError(folder), index + "file has 67108865 bytes, expected at most 67108864");
}

TEST(Checkpoint, FoldersWithoutWeights) {
  const std::string expected =
      "; expected model.safetensors or model.safetensors.index.json or pytorch_model.bin or "
      "pytorch_model.bin.index.json or a .gguf or "
      "model_config.yaml or context/model.yaml or a .nemo";
  TestFolder folder;
  EXPECT_EQ(openError(folder), folder.path() + ": no weights in this folder" + expected);
  folder.write("config.json", "{}");
  folder.write("consolidated.safetensors", "");
  EXPECT_EQ(openError(folder),
            folder.path() +
                ": found consolidated.safetensors, a safetensors file of another name, "
                "which is not supported" +
                expected);
  folder.write("training_args.bin", "");
  EXPECT_EQ(openError(folder), folder.path() +
                                   ": found training_args.bin, a PyTorch checkpoint of another "
                                   "name, which is not supported" +
                                   expected);
  EXPECT_EQ(openCheckpoint(folder.path()).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(Checkpoint, WhatIsNoFolder) {
  TestFolder folder;
  EXPECT_EQ(openCheckpoint(folder.path("absent")).status().message(),
            folder.path("absent") + ": no such file or folder");
  EXPECT_EQ(openCheckpoint(folder.write("file", "")).status().message(),
            folder.path("file") + ": expected a folder, a .gguf or a .nemo file");
  std::filesystem::create_symlink("nowhere", folder.path("model.safetensors"));
  EXPECT_EQ(openError(folder),
            folder.path("model.safetensors") + ": cannot open: No such file or directory");
}

TEST(Checkpoint, NamesOfFiles) {
  for (const char *name : {"a/b.gguf", "b.nemo"})
    EXPECT_TRUE(isCheckpointFile(name) && !isTensorFile(name)) << name;
  for (const char *name : {"a/b.safetensors", "pytorch_model.bin"})
    EXPECT_TRUE(isTensorFile(name) && !isCheckpointFile(name)) << name;
  for (const char *name : {"config.json", "model.safetensors.index.json", "a.gguf/b", ""})
    EXPECT_FALSE(isTensorFile(name) || isCheckpointFile(name)) << name;
  EXPECT_EQ(openTensorFile("a/b.gguf").status().message(),
            "a/b.gguf: expected a .safetensors or a .bin file");
}

TEST(DType, Names) {
  EXPECT_EQ(name(DType::bf16), "bf16");
  EXPECT_EQ(name(DType::f6_e3m2), "f6_e3m2");
  EXPECT_EQ(name(DType::iq4_xs), "iq4_xs");
  for (int i = 0; i <= static_cast<int>(DType::iq4_xs); ++i)
    EXPECT_EQ(dtypeNamed(name(static_cast<DType>(i))), static_cast<DType>(i));
  EXPECT_EQ(dtypeNamed("f31"), std::nullopt);
}

/// Elements that are stored together, and their bytes.
TEST(DType, BlockSizes) {
  const auto bytesOf = [](DType dtype, uint64_t elements) {
    return blockSize(dtype).bytesOf(elements);
  };
  EXPECT_EQ(bytesOf(DType::c64, 3), 24u);
  EXPECT_EQ(bytesOf(DType::f6_e2m3, 8), 6u);
  EXPECT_EQ(bytesOf(DType::f6_e2m3, 7), std::nullopt) << "no whole number of bytes";
  const std::pair<DType, uint64_t> of256[] = {
      {DType::q8_0, 8 * 34},   {DType::q4_0, 8 * 18}, {DType::q4_1, 8 * 20}, {DType::q5_0, 8 * 22},
      {DType::q5_1, 8 * 24},   {DType::q4_k, 144},    {DType::q5_k, 176},    {DType::q6_k, 210},
      {DType::iq4_nl, 8 * 18}, {DType::iq4_xs, 136}};
  for (const auto &[dtype, bytes] : of256) {
    EXPECT_EQ(bytesOf(dtype, 512), 2 * bytes) << name(dtype);
    EXPECT_EQ(bytesOf(dtype, 511), std::nullopt) << name(dtype);
    EXPECT_TRUE(isQuantized(dtype));
  }
  EXPECT_FALSE(isQuantized(DType::f6_e3m2));
  EXPECT_EQ(blockSize(DType::f32).bytesOf(Checked(UINT64_MAX) * 2), std::nullopt);
  EXPECT_EQ(bytesOf(DType::f32, uint64_t(1) << 62), std::nullopt) << "does not fit";
}
