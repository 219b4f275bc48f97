#include "runtime/checkpoint/Safetensors.h"

#include "test/runtime/TestFolder.h"

#include <gtest/gtest.h>

using namespace strata;

namespace {

/// Reads `contents` as a file; its message without the path, or "" if it is accepted.
std::string error(std::string_view contents) {
  TestFolder folder;
  const std::string path = folder.write("x.safetensors", contents);
  Checkpoint checkpoint;
  const absl::Status status = readSafetensors(folder.path(), "x.safetensors", checkpoint);
  if (status.ok())
    return "";
  EXPECT_TRUE(status.message().substr(0, path.size() + 2) == path + ": ") << status;
  return std::string(status.message().substr(path.size() + 2));
}

/// A file whose header claims to have `length` bytes.
std::string withLength(uint64_t length, std::string_view rest) {
  std::string file = safetensors("").append(rest);
  std::memcpy(file.data(), &length, 8);
  return file;
}

/// The header of one tensor "w".
std::string one(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return "{\"w\": {\"dtype\": \"" + std::string(dtype) + "\", \"shape\": " + std::string(shape) +
         ", \"data_offsets\": " + std::string(offsets) + "}}";
}

std::string bytes(size_t count) { return std::string(count, 'x'); }

} // namespace

TEST(Safetensors, ReadsTensors) {
  TestFolder folder;
  const std::string header = R"({"__metadata__": {"format": "pt"},
      "b": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [4, 16]},
      "a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
      "empty": {"dtype": "I64", "shape": [0, 5], "data_offsets": [4, 4]}})";
  folder.write("x.safetensors", safetensors(header, "aaaabbbbbbbbbbbb"));
  Checkpoint checkpoint;
  ASSERT_EQ(readSafetensors(folder.path(), "x.safetensors", checkpoint), absl::OkStatus());

  ASSERT_EQ(checkpoint.tensors().size(), 3u);
  const CheckpointTensor *b = checkpoint.find("b");
  ASSERT_TRUE(b);
  EXPECT_EQ(b->dtype, DType::bf16);
  EXPECT_EQ(b->shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(b->offset, 8 + header.size() + 4);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char *>(b->bytes.data()), b->bytes.size()),
            "bbbbbbbbbbbb");
  EXPECT_EQ(checkpoint.find("a")->bytes.size(), 4u);
  EXPECT_EQ(checkpoint.find("empty")->bytes.size(), 0u);
  EXPECT_EQ(checkpoint.find("c"), nullptr);

  const CheckpointFile &file = checkpoint.files().at(0);
  EXPECT_EQ(file.name, "x.safetensors");
  EXPECT_EQ(file.bytes.size(), 8 + header.size() + 16);
  ASSERT_EQ(file.header.size(), 1u);
  EXPECT_EQ(file.header[0].size(), 8 + header.size());
}

TEST(Safetensors, Accepts) {
  EXPECT_EQ(error(safetensors("{}")), "");
  EXPECT_EQ(error(safetensors("{}      ")), "");
  EXPECT_EQ(error(safetensors(one("F32", "[]", "[0,4]"), bytes(4))), "");
  EXPECT_EQ(error(safetensors(one("F32", "[0]", "[0,0]"))), "");
  EXPECT_EQ(error(safetensors(one("U8", "[1,1,1,1,1,1,1,3]", "[0,3]"), bytes(3))), "");
  EXPECT_EQ(error(safetensors(one("F4", "[2, 3]", "[0,3]"), bytes(3))), "");
  EXPECT_EQ(error(safetensors(one("F8_E4M3", "[3]", "[0,3]"), bytes(3))), "");
  EXPECT_EQ(error(safetensors("{\"__metadata__\": null}")), "");
  EXPECT_EQ(error(safetensors("{\"__metadata__\": {}}")), "");
}

TEST(Safetensors, LengthOfTheHeader) {
  for (size_t size = 0; size < 8; ++size)
    EXPECT_EQ(error(bytes(size)),
              "file has " + std::to_string(size) + " bytes, expected a header of at least 8");
  EXPECT_EQ(error(withLength(0, "")), "header begins with \"\", expected \"{\"");
  EXPECT_EQ(error(withLength(1, "{}")),
            "not JSON: a bracket, comma or value is missing, misplaced or misspelt");
  EXPECT_EQ(error(withLength(2, "{}")), "");
  EXPECT_EQ(error(withLength(3, "{}")), "header has 3 bytes, but the file only 10; is it cut off?");
  EXPECT_EQ(error(withLength(100'000'000, "{}")),
            "header has 100000000 bytes, but the file only 10; is it cut off?");
  for (uint64_t length : {uint64_t(100'000'001), uint64_t(1) << 63, ~uint64_t(0), ~uint64_t(7)})
    EXPECT_EQ(error(withLength(length, "{}")),
              "header has " + std::to_string(length) +
                  " bytes, expected at most 100000000; is this a safetensors file?");
}

TEST(Safetensors, OtherKindsOfFiles) {
  EXPECT_EQ(error("version https://git-lfs.github.com/spec/v1\n"
                  "oid sha256:4d7a2146\nsize 10768088\n"),
            "this is a Git LFS pointer, not the file; fetch it with `git lfs pull`");
  EXPECT_TRUE(error("PK\x03\x04" + bytes(60)).ends_with("; is this a safetensors file?"));
  EXPECT_TRUE(error("\x1f\x8b\x08" + bytes(60)).starts_with("header has "));
}

TEST(Safetensors, HeaderIsAnObject) {
  const std::string tensor = one("F32", "[]", "[0,4]");
  EXPECT_EQ(error(safetensors(" " + tensor, bytes(4))),
            "header begins with \" {\\\"w\\\": {\", expected \"{\"");
  EXPECT_EQ(error(safetensors("[]")), "header begins with \"[]\", expected \"{\"");
  EXPECT_EQ(error(safetensors("not json")), "header begins with \"not json\", expected \"{\"");
  EXPECT_EQ(error(safetensors(tensor + std::string(2, '\0'), bytes(4))),
            "not JSON: a bracket, comma or value is missing, misplaced or misspelt");
  EXPECT_EQ(error(safetensors("{\"\xFF\": 1}")), "not UTF-8");
  EXPECT_EQ(error(safetensors("{\"w\": 1}")), "w: expected an object, found 1");
  EXPECT_EQ(error(safetensors("{\"w\": {}, \"w\": {}}")),
            "w: key stands more than once in its object");
}

TEST(Safetensors, Metadata) {
  EXPECT_EQ(error(safetensors("{\"__metadata__\": {\"a\": 1}}")),
            "__metadata__.a: expected a string, found 1");
  EXPECT_EQ(error(safetensors("{\"__metadata__\": \"a\"}")),
            "__metadata__: expected an object, found \"a\"");
}

TEST(Safetensors, Keys) {
  const std::string key(1025, 'k');
  EXPECT_TRUE(error(safetensors("{\"" + key + "\": {}}"))
                  .ends_with("key has 1025 bytes, expected at most 1024"));
  EXPECT_EQ(error(safetensors("{\"a\\u0000b\": {}}")), "\"a\\x00\\x62\": key holds a NUL");
}

TEST(Safetensors, Fields) {
  EXPECT_EQ(error(safetensors("{\"w\": {\"shape\": [], \"data_offsets\": [0,4]}}", bytes(4))),
            "w.dtype: missing, expected a string");
  EXPECT_EQ(error(safetensors("{\"w\": {\"dtype\": \"F32\", \"data_offsets\": [0,4]}}", bytes(4))),
            "w.shape: missing, expected a list of integers");
  EXPECT_EQ(error(safetensors("{\"w\": {\"dtype\": \"F32\", \"shape\": []}}", bytes(4))),
            "w.data_offsets: missing, expected a list of integers");
  EXPECT_EQ(error(safetensors(one("F31", "[]", "[0,4]"), bytes(4))),
            "w.dtype: expected a type such as \"BF16\" or \"F32\", found \"F31\"");
  EXPECT_EQ(error(safetensors(one("f32", "[]", "[0,4]"), bytes(4))),
            "w.dtype: expected a type such as \"BF16\" or \"F32\", found \"f32\"");
}

TEST(Safetensors, Shapes) {
  EXPECT_EQ(error(safetensors(one("U8", "[-1]", "[0,4]"), bytes(4))),
            "w.shape[0]: expected an integer of at least 0, found -1");
  EXPECT_EQ(error(safetensors(one("U8", "[4.0]", "[0,4]"), bytes(4))),
            "w.shape[0]: expected an integer of at least 0, found 4.0");
  EXPECT_EQ(error(safetensors(one("U8", "4", "[0,4]"), bytes(4))),
            "w.shape: expected a list, found 4");
  EXPECT_EQ(error(safetensors(one("U8", "[1,1,1,1,1,1,1,1,4]", "[0,4]"), bytes(4))),
            "w.shape: expected at most 8 dimensions, found 9");
  std::string deep = "[1";
  for (int i = 0; i < 1'000'000; ++i)
    deep += ",1";
  EXPECT_EQ(error(safetensors(one("U8", deep + "]", "[0,1]"), bytes(1))),
            "w.shape: expected at most 8 dimensions, found 1000001");
  EXPECT_EQ(error(safetensors(one("U8", "[4398046511105, 4194304]", "[0,4]"), bytes(4))),
            "w: shape [4398046511105, 4194304] of u8 does not fit 64 bits");
  EXPECT_EQ(error(safetensors(one("F32", "[2]", "[0,4]"), bytes(4))),
            "w: shape [2] of f32 needs 8 bytes, data_offsets hold 4");
  EXPECT_EQ(error(safetensors(one("F4", "[3]", "[0,2]"), bytes(2))),
            "w: shape [3] of f4 is not a whole number of bytes");
}

TEST(Safetensors, Offsets) {
  EXPECT_EQ(error(safetensors(one("U8", "[4]", "[-4,0]"), bytes(4))),
            "w.data_offsets[0]: expected an integer of at least 0, found -4");
  EXPECT_EQ(error(safetensors(one("U8", "[4]", "[0]"), bytes(4))),
            "w.data_offsets: expected [begin, end], found 1 integers");
  EXPECT_EQ(error(safetensors(one("U8", "[4]", "[0,4,4]"), bytes(4))),
            "w.data_offsets: expected [begin, end], found 3 integers");
  EXPECT_EQ(error(safetensors(one("U8", "[4]", "[4,0]"), bytes(4))),
            "w: data begins at 4, expected 0: tensors leave a gap");
  EXPECT_EQ(error(safetensors(one("U8", "[4]", "[0,8]"), bytes(8))),
            "w: shape [4] of u8 needs 4 bytes, data_offsets hold 8");
  EXPECT_EQ(error(safetensors(one("U8", "[8]", "[0,8]"), bytes(4))),
            "w: data ends at 8, but the file holds only 4 bytes of data");
  EXPECT_EQ(error(safetensors(one("U8", "[4]", "[0,4]"), bytes(5))),
            "file holds 5 bytes of data, tensors account for 4");
  EXPECT_EQ(error(safetensors("{}", bytes(1))),
            "file holds 1 bytes of data, tensors account for 0");
  EXPECT_EQ(
      error(safetensors(one("U8", "[4]", "[0,18446744073709551615]"), bytes(4))),
      "w.data_offsets[1]: expected an integer of at least 0, found 18446744073709551615 in line 1");
}

/// Two tensors of bytes at these places, then `size` bytes of data.
static std::string two(std::string_view first, std::string_view second, size_t size) {
  return safetensors(
      "{\"a\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": " + std::string(first) +
          "}, \"b\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": " + std::string(second) +
          "}}",
      bytes(size));
}

TEST(Safetensors, TensorsFillTheFile) {
  EXPECT_EQ(error(two("[0,4]", "[4,8]", 8)), "");
  EXPECT_EQ(error(two("[4,8]", "[0,4]", 8)), "");
  EXPECT_EQ(error(two("[0,4]", "[2,6]", 6)), "b: data begins at 2, expected 4: tensors overlap");
  EXPECT_EQ(error(two("[0,4]", "[0,4]", 4)), "b: data begins at 0, expected 4: tensors overlap");
  EXPECT_EQ(error(two("[0,4]", "[6,10]", 10)),
            "b: data begins at 6, expected 4: tensors leave a gap");
  EXPECT_EQ(error(two("[1,5]", "[5,9]", 9)),
            "a: data begins at 1, expected 0: tensors leave a gap");
  EXPECT_EQ(error(two("[0,4]", "[4,2]", 8)), "b: data ends at 2, before it begins at 4");
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string file = two("[0,4]", "[4,8]", 8);
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(error(file.substr(0, size)), "") << size;
  EXPECT_EQ(error(file + "x"), "file holds 9 bytes of data, tensors account for 8");
}
