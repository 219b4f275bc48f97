//===- GgufPartsTest.cpp - GGUF models in several files -------------------===//

#include "runtime/checkpoint/Checkpoint.h"
#include "test/runtime/TestFolder.h"
#include "test/runtime/checkpoint/GgufWriter.h"

#include <gtest/gtest.h>

#include <filesystem>

using namespace strata;
using namespace strata::gguf;

namespace {

std::string u16(uint64_t value) { return little(2, 4) + little(value, 2); }
std::string i32(uint64_t value) { return little(5, 4) + little(value, 4); }

/// "m-00002-of-00003.gguf"
std::string nameOf(int number, const std::string &before = "m") {
  return before + "-0000" + std::to_string(number) + "-of-00003.gguf";
}

/// A model of three tensors in three files, as gguf-split writes them.
struct Split {
  Writer files[3];

  Split() {
    files[0].set("general.architecture", text("nemotron"));
    for (size_t i = 0; i < 3; ++i) {
      files[i].set("split.no", u16(i)).set("split.count", u16(3));
      files[i].set("split.tensors.count", i32(3));
    }
    files[0].tensors = {{"token_embd.weight", {4, 2}, 0}};
    files[0].data = std::string(32, 'e');
    files[1].tensors = {{"blk.0.attn_q.weight", {32, 2}, 8}}; // q8_0
    files[1].data = std::string(2 * 34, 'q');
    files[2].tensors = {{"output_norm.weight", {4}, 0}};
    files[2].data = std::string(16, 'n');
  }

  void write(const TestFolder &folder, const std::string &before = "m") const {
    for (int i = 0; i < 3; ++i)
      folder.write(nameOf(i + 1, before), files[i].write());
  }

  /// What is wrong with it, after the folder; "" if it is accepted.
  std::string error() const {
    TestFolder folder;
    write(folder);
    return errorOf(folder, nameOf(1));
  }

  /// What is wrong with the file or folder `name` in `folder`.
  static std::string errorOf(const TestFolder &folder, const std::string &name) {
    const auto checkpoint = openCheckpoint(name.empty() ? folder.path() : folder.path(name));
    if (checkpoint.ok())
      return "";
    std::string message(checkpoint.status().message());
    for (size_t at; (at = message.find(folder.path())) != std::string::npos;)
      message.replace(at, folder.path().size() + 1, "");
    return message;
  }
};

} // namespace

/// Tensors are found in whichever file they are; what else is said is in the first.
TEST(GgufParts, AreOneModel) {
  TestFolder folder;
  Split().write(folder);
  for (const std::string &path : {folder.path(), folder.path(nameOf(1))}) {
    const auto checkpoint = openCheckpoint(path);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    ASSERT_EQ(checkpoint->files().size(), 3u);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(checkpoint->files()[size_t(i)].name, nameOf(i + 1));
    const auto *query = checkpoint->find("model.layers.0.self_attn.q_proj.weight");
    ASSERT_TRUE(query);
    EXPECT_EQ(query->file, 1u);
    EXPECT_EQ(query->dtype, DType::q8_0);
    EXPECT_EQ(query->bytes.front(), std::byte('q'));
    EXPECT_EQ(checkpoint->find("model.embed_tokens.weight")->file, 0u);
    EXPECT_EQ(checkpoint->find("model.norm.weight")->bytes.size(), 16u);
    EXPECT_NE(checkpoint->config().find(R"("tie_word_embeddings": true)"), std::string::npos);
  }
}

/// gguf-split --no-tensor-first-split
TEST(GgufParts, TheFirstMayHoldNoTensors) {
  Split split;
  split.files[0].tensors.clear();
  split.files[0].data.clear();
  for (Writer &file : split.files)
    file.set("split.tensors.count", i32(2));
  EXPECT_EQ(split.error(), "");
}

/// One file whose split.count is 1 may have any name.
TEST(GgufParts, OneFileIsTheWholeModel) {
  TestFolder folder;
  Writer file = Split().files[0];
  file.set("split.count", u16(1)).set("split.tensors.count", i32(1));
  folder.write("m.gguf", file.write());
  EXPECT_EQ(Split::errorOf(folder, "m.gguf"), "");
}

TEST(GgufParts, OnlyTheFirstIsTheModel) {
  TestFolder folder;
  Split().write(folder);
  EXPECT_EQ(
      Split::errorOf(folder, nameOf(2)),
      "m-00002-of-00003.gguf: split.no: expected 0, that of the first file, found 1; give the "
      "one whose name ends in -00001-of-00003.gguf");
}

TEST(GgufParts, AllMustBeThere) {
  TestFolder folder;
  Split().write(folder);
  std::filesystem::remove(folder.path(nameOf(2)));
  for (const std::string &name : {nameOf(1), std::string()})
    EXPECT_EQ(Split::errorOf(folder, name),
              "m-00001-of-00003.gguf: split.count: expected 3 files, found no "
              "m-00002-of-00003.gguf beside it");
  Split().write(folder);
  std::filesystem::remove(folder.path(nameOf(1)));
  EXPECT_EQ(
      Split::errorOf(folder, ""),
      "m-00002-of-00003.gguf: split.no: expected 0, that of the first file, found 1; give the "
      "one whose name ends in -00001-of-00003.gguf");
}

TEST(GgufParts, AFolderMayHoldOneSet) {
  TestFolder folder;
  Split().write(folder);
  Split().write(folder, "n");
  EXPECT_EQ(openCheckpoint(folder.path()).status().message(),
            folder.path() +
                ": found m-00001-of-00003.gguf and n-00001-of-00003.gguf; name one of them");
  EXPECT_EQ(Split::errorOf(folder, nameOf(1, "n")), "");
}

TEST(GgufParts, NamesTellTheirNumbers) {
  TestFolder folder;
  Split().write(folder);
  for (const char *name : {"m.gguf", "m-00001-of-00002.gguf", "m-00002-of-00003.gguf"}) {
    folder.write(name, Split().files[0].write());
    EXPECT_EQ(Split::errorOf(folder, name),
              std::string(name) +
                  ": split.count: expected a file whose name ends in -00001-of-00003.gguf, as the "
                  "others', found " +
                  name);
  }
}

TEST(GgufParts, EachIsOfTheSameSet) {
  const auto errorWith = [](const std::string &key, const std::string &value) {
    Split split;
    split.files[1].set(key, value);
    return split.error();
  };
  EXPECT_EQ(errorWith("split.no", u16(2)), "m-00002-of-00003.gguf: split.no: expected 1, found 2");
  EXPECT_EQ(errorWith("split.count", u16(4)),
            "m-00002-of-00003.gguf: split.count: expected 3, found 4");
  EXPECT_EQ(errorWith("split.tensors.count", i32(4)),
            "m-00002-of-00003.gguf: split.tensors.count: expected 3, found 4");
  EXPECT_EQ(errorWith("split.no", text("1")),
            "m-00002-of-00003.gguf: split.no: expected an integer, found text");
  Split split;
  split.files[2].metadata.clear();
  EXPECT_EQ(split.error(), "m-00003-of-00003.gguf: split.no: expected 2, found no such key");
}

/// What would be passed over may change the model.
TEST(GgufParts, OnlyTheFirstDescribesTheModel) {
  Split split;
  split.files[1].set("general.alignment", u32(32));
  EXPECT_EQ(split.error(), "");
  split.files[1].set("nemotron.block_count", u32(1));
  EXPECT_EQ(split.error(), "m-00002-of-00003.gguf: nemotron.block_count: expected what is said of "
                           "the model in its first file, found it here");
}

TEST(GgufParts, NoTensorIsInTwo) {
  Split split;
  split.files[2].tensors[0].name = "token_embd.weight";
  EXPECT_EQ(split.error(), "m-00003-of-00003.gguf: model.embed_tokens.weight: tensor is also in "
                           "m-00001-of-00003.gguf");
}

TEST(GgufParts, HoldAllTensors) {
  Split split;
  for (Writer &file : split.files)
    file.set("split.tensors.count", i32(4));
  EXPECT_EQ(split.error(),
            "m-00001-of-00003.gguf: split.tensors.count: expected 4 tensors, found 3");
}

TEST(GgufParts, EveryTruncationIsAnError) {
  TestFolder folder;
  Split().write(folder);
  const std::string file = Split().files[1].write();
  for (size_t size = 0; size != file.size(); ++size) {
    folder.write(nameOf(2), file.substr(0, size));
    EXPECT_TRUE(Split::errorOf(folder, nameOf(1)).starts_with("m-00002-of-00003.gguf: ")) << size;
  }
}
