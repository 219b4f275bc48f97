//===- QuantizeToolTest.cpp - strata-quantize as one calls it -------------===//

#include "test/tools/ToolFixture.h"

#include <filesystem>

namespace strata::test {
namespace {

TEST_F(Tool, QuantizeWrongCommandLines) {
  expectError("%q", 2, "expected one model, found 0");
  expectError("%q a b -o c", 2, "expected one model, found 2");
  expectError("%q %d", 2, "-o: missing, expected the folder to write");
  expectError("%q %d -o", 2, "-o: expected FOLDER");
  EXPECT_NE(run("%q --help").out.find("usage: strata-quantize MODEL -o FOLDER"), std::string::npos);
  EXPECT_NE(run("%q --version").out.find("strata-quantize"), std::string::npos);
}

TEST_F(Tool, Quantizes) {
  const std::string to = folder.path("int8");
  const Result result = run("%q %d -o " + to);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "") << "progress without a terminal";
  EXPECT_EQ(result.out, "quantized   37 tensors\n"
                        "bytes       10,761,216 before, 6,214,656 after (57.8 %)\n"
                        "error       at most 0.57 % of a tensor's norm: "
                        "model.layers.3.mlp.down_proj.weight\n");
  for (const char *name : {"model.safetensors", "config.json", "tokenizer.model",
                           "tokenizer_config.json", "generation_config.json"})
    EXPECT_TRUE(std::filesystem::exists(to + "/" + name)) << name;
  expectError("%q %d -o " + to, 1, "int8: expected no such file, or an empty folder, found one");
}

TEST_F(Tool, QuantizeFailureLeavesNothing) {
  expectError("%q /no/such/model -o " + folder.path("out8"), 1, "/no/such/model");
  // The file may not grow beyond a megabyte: as if the disk were full.
  expectError("ulimit -f 1024; %q %d -o " + folder.path("out8"), 1,
              "out8/model.safetensors: cannot write 6226496 bytes: File too large");
  for (const auto &entry : std::filesystem::directory_iterator(folder.path()))
    EXPECT_EQ(entry.path().string().find("out8"), std::string::npos) << entry.path();
}

TEST_F(Tool, QuantizesOnlyOnce) {
  const std::string first = folder.path("first"), second = folder.path("second");
  ASSERT_EQ(run("%q %d -o " + first).status, 0);
  expectError("%q " + first + " -o " + second, 1,
              "first/config.json: quantization_config: expected none, found weights that are "
              "quantized already");
}

TEST_F(Tool, QuantizeOutputThatFailsIsAnError) {
  expectError("%q %d -o " + folder.path("out8") + " >/dev/full", 1, "standard output");
}

} // namespace
} // namespace strata::test
