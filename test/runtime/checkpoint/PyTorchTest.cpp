#include "runtime/checkpoint/PyTorch.h"

#include "test/runtime/TestFolder.h"
#include "test/runtime/checkpoint/PickleWriter.h"

#include <gtest/gtest.h>

using namespace strata;
using namespace strata::pickle;

namespace {

/// A file with one storage "0" of 24 bytes.
ZipWriter archive(const std::string &pickle) {
  return {{{"model/data.pkl", pickle},
           {"model/byteorder", "little"},
           {"model/data/0", "abcdefghijklmnopqrstuvwx"}}};
}

/// Reads `file` as pytorch_model.bin; its message without the path, or "" if it is accepted.
std::string error(const std::string &file) {
  TestFolder folder;
  const std::string path = folder.write("pytorch_model.bin", file) + ": ";
  const auto checkpoint = openCheckpoint(folder.path());
  if (checkpoint.ok())
    return "";
  const std::string message(checkpoint.status().message());
  EXPECT_TRUE(message.starts_with(path)) << message;
  return message.substr(path.size());
}

std::string errorOf(const Tensor &tensor) { return error(archive(stateDict(tensor)).write()); }

std::string text(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size());
}

} // namespace

TEST(PyTorch, ReadsTensorsInPlace) {
  Tensor whole, part;
  part.storageClass = "BFloat16Storage";
  part.count = number(12);
  part.offset = number(4);
  part.shape = tuple(number(1) + number(4)), part.strides = tuple(number(99) + number(1));
  // "p" is a Parameter; "" in _metadata is an attribute of the dict; NeMo's extra states are
  // skipped.
  const std::string parameter = global("torch._utils", "_rebuild_parameter") +
                                tuple(part.write() + "\x88" + orderedDict()) + "R";
  const std::string extra = global("_io", "BytesIO") + ")R";
  const std::string pickle =
      program(orderedDict() + "(" + pickle::text("w") + whole.write() + pickle::text("p") +
              parameter + pickle::text("a._extra_state") + extra + "u" + "}" +
              pickle::text("_metadata") + orderedDict() + "sb");
  ZipWriter writer = archive(pickle);
  writer.zip64 = true;
  TestFolder folder;
  const std::string file = writer.write();
  folder.write("pytorch_model.bin", file);
  auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  ASSERT_EQ(checkpoint->tensors().size(), 2u);
  const CheckpointTensor &w = *checkpoint->find("w"), &p = *checkpoint->find("p");
  EXPECT_EQ(w.dtype, DType::f32);
  EXPECT_EQ(w.shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(file.substr(w.offset, 24), "abcdefghijklmnopqrstuvwx");
  EXPECT_EQ(text(w.bytes), "abcdefghijklmnopqrstuvwx");
  EXPECT_EQ(p.dtype, DType::bf16);
  EXPECT_EQ(text(p.bytes), "ijklmnop");

  // What describes the tensors: the pickle and the directory.
  const CheckpointFile &described = checkpoint->files().at(0);
  ASSERT_EQ(described.header.size(), 2u);
  EXPECT_EQ(text(described.header[0]), pickle);
  EXPECT_TRUE(text(described.header[1]).starts_with("PK\1\2"));
  EXPECT_TRUE(file.ends_with(text(described.header[1])));
}

TEST(PyTorch, Shards) {
  TestFolder folder;
  folder.write("pytorch_model-00001-of-00001.bin", archive(stateDict({})).write());
  folder.write("pytorch_model.bin.index.json",
               R"({"weight_map": {"w": "pytorch_model-00001-of-00001.bin"}})");
  const auto checkpoint = openCheckpoint(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE(checkpoint->find("w"));
  folder.write("pytorch_model.bin.index.json",
               R"({"weight_map": {"v": "pytorch_model-00001-of-00001.bin"}})");
  EXPECT_EQ(openCheckpoint(folder.path())->require("v", {}, {}).status().message(),
            folder.path("pytorch_model.bin.index.json") +
                ": v: not in pytorch_model-00001-of-00001.bin, which is to hold it by weight_map");
}

TEST(PyTorch, NothingIsExecuted) {
  EXPECT_EQ(
      error(archive(program(global("os", "system") + tuple(pickle::text("touch /tmp/x")) + "R"))
                .write()),
      "model/data.pkl: byte 2: refuses global os.system: only 14 that tensors need are known, "
      "and none is ever called");
  Tensor tensor;
  tensor.rebuild = "_rebuild_device_tensor_from_numpy";
  EXPECT_EQ(errorOf(tensor),
            "model/data.pkl: byte 36: refuses global "
            "torch._utils._rebuild_device_tensor_from_numpy: only 14 that tensors need are known, "
            "and none is ever called");
}

TEST(PyTorch, Legacy) {
  EXPECT_EQ(
      error(std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15) + "rest"),
      "written by torch before 1.6 or with _use_new_zipfile_serialization=False, which is "
      "not supported; torch.load it and torch.save it anew");
}

TEST(PyTorch, TheArchiveIsOfTorch) {
  EXPECT_EQ(error(ZipWriter{{{"config.json", "{}"}}}.write()),
            "expected FOLDER/data.pkl in the archive, as torch.save writes it, found none");
  EXPECT_EQ(error(ZipWriter{{{"a/b/data.pkl", "{}"}}}.write()),
            "expected FOLDER/data.pkl in the archive, as torch.save writes it, found none");
  EXPECT_EQ(error(ZipWriter{{{"a/data.pkl", ""}, {"b/data.pkl", ""}}}.write()),
            "expected one data.pkl in the archive, found several");
  ZipWriter big = archive(stateDict({}));
  big.entries[1].contents = "big", big.entries[1].size = big.entries[1].stored = 3;
  EXPECT_EQ(error(big.write()), "model/byteorder: expected little, found big");
  ZipWriter damaged = archive(stateDict({}));
  damaged.entries[0].crc = 1;
  EXPECT_EQ(error(damaged.write()).substr(0, 41), "model/data.pkl: CRC-32: expected 00000001");
  EXPECT_EQ(error(archive(std::string((16u << 20) + 1, '\0')).write()),
            "model/data.pkl: expected at most 16777216 bytes, found 16777217");
}

TEST(PyTorch, ADictOfTensors) {
  const auto errorOfPickle = [](const std::string &instructions) {
    return error(archive(program(instructions)).write());
  };
  const std::string dict = "model/data.pkl: expected a dict of tensors, found another object";
  EXPECT_EQ(errorOfPickle("N"), dict);
  EXPECT_EQ(errorOfPickle("]"), dict);
  EXPECT_EQ(errorOfPickle(Tensor().write()), dict);
  EXPECT_EQ(errorOfPickle("}"), "");
  const std::string keys =
      "model/data.pkl: expected keys of 1 to 1024 bytes of text, found another";
  EXPECT_EQ(errorOfPickle("}NNs"), keys);
  EXPECT_EQ(errorOfPickle("}" + pickle::text("") + "Ns"), keys);
  EXPECT_EQ(errorOfPickle("}" + pickle::text(std::string(1025, 'k')) + "Ns"), keys);
  EXPECT_EQ(errorOfPickle("}" + pickle::text("w") + "Ns"),
            "w: expected a tensor, found another object");
  EXPECT_EQ(errorOfPickle("}" + pickle::text("w") + global("_io", "BytesIO") + ")Rs"),
            "w: expected a tensor, found another object");
  EXPECT_TRUE(errorOfPickle("}" + pickle::text("w") + Tensor().write() + "s" + pickle::text("w") +
                            Tensor().write() + "s")
                  .starts_with("w: tensor is also in "));
}

TEST(PyTorch, StoragesAreThere) {
  Tensor tensor;
  tensor.key = "1";
  EXPECT_EQ(errorOf(tensor), "w: expected its storage model/data/1 in the archive, found none");
  tensor.key = "../data.pkl";
  EXPECT_EQ(errorOf(tensor),
            "w: expected its storage model/data/../data.pkl in the archive, found none");
  tensor = {};
  tensor.count = number(7);
  EXPECT_EQ(errorOf(tensor), "w: storage model/data/0: expected 7 elements of f32, found 24 bytes");
  tensor.count = number(-1);
  EXPECT_EQ(errorOf(tensor),
            "w: storage model/data/0: expected -1 elements of f32, found 24 bytes");
  tensor.count = number64((int64_t(1) << 62) + 6);
  EXPECT_EQ(
      errorOf(tensor),
      "w: storage model/data/0: expected 4611686018427387910 elements of f32, found 24 bytes");
  tensor = {};
  tensor.storageClass = "HalfStorage";
  EXPECT_EQ(errorOf(tensor), "w: storage model/data/0: expected 6 elements of f16, found 24 bytes");
  tensor.storageClass = "ComplexFloatStorage";
  EXPECT_TRUE(errorOf(tensor).find("refuses global torch.ComplexFloatStorage") !=
              std::string::npos);
}

TEST(PyTorch, TensorsLieInTheirStorage) {
  const auto outside = [](const std::string &shape, const std::string &offset) {
    return "w: expected shape " + shape + " of f32 from element " + offset +
           " on inside its storage of 24 bytes";
  };
  Tensor tensor;
  tensor.offset = number(1);
  EXPECT_EQ(errorOf(tensor), outside("[2, 3]", "1"));
  tensor.offset = number(-1);
  EXPECT_EQ(errorOf(tensor), outside("[2, 3]", "-1"));
  tensor.offset = number64(int64_t(1) << 62);
  EXPECT_EQ(errorOf(tensor), outside("[2, 3]", "4611686018427387904"));
  tensor = {};
  tensor.shape = tuple(number(3) + number(3));
  EXPECT_EQ(errorOf(tensor), outside("[3, 3]", "0"));
  tensor.shape = tuple(number64(int64_t(1) << 61) + number(3));
  EXPECT_EQ(errorOf(tensor), outside("[2305843009213693952, 3]", "0"));
  tensor.shape = tuple(number(0) + number64(INT64_MAX)), tensor.strides = tensor.shape;
  EXPECT_EQ(errorOf(tensor), "");
}

TEST(PyTorch, TensorsAreRowMajor) {
  Tensor tensor;
  tensor.strides = tuple(number(1) + number(2));
  EXPECT_EQ(errorOf(tensor), "w: strides are [1, 2], expected those of a row-major tensor of shape "
                             "[2, 3]; save it after .contiguous()");
  tensor.strides = tuple(number(0) + number(1));
  EXPECT_NE(errorOf(tensor), "");
  tensor.strides = tuple(number(-3) + number(1));
  EXPECT_EQ(errorOf(tensor), "w: strides: expected numbers of at least 0, found -3");
  tensor.strides = tuple(number(1));
  EXPECT_EQ(errorOf(tensor), "w: expected as many strides as dimensions, found 1 and 2");
  tensor.strides = number(3);
  EXPECT_EQ(errorOf(tensor),
            "w: expected what torch.save writes of a tensor, found another argument 3");
  tensor = {};
  tensor.shape = tensor.strides = tuple(std::string(9, 'N'));
  EXPECT_EQ(errorOf(tensor), "w: shape: expected at most 8 dimensions, found 9");
  tensor.shape = tensor.strides = tuple(pickle::text("2"));
  EXPECT_EQ(errorOf(tensor),
            "w: expected what torch.save writes of a tensor, found another argument 0");
}

TEST(PyTorch, EveryTruncationIsAnError) {
  const std::string file = archive(stateDict({})).write();
  for (size_t size = 0; size != file.size(); ++size)
    EXPECT_NE(error(file.substr(0, size)), "") << size;
  const std::string pickle = stateDict({});
  for (size_t size = 0; size != pickle.size(); ++size)
    EXPECT_NE(error(archive(pickle.substr(0, size)).write()), "") << size;
}
