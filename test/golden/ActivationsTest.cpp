//===- ActivationsTest.cpp - dumped values against transformers -----------===//
//
// strata-run --dump-activations of the demonstration model, fused and not, in one step and in
// several, against what transformers' modules compute in float32 (make_activations.py).
//
//===----------------------------------------------------------------------===//

#include "runtime/base/Json.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Safetensors.h"
#include "test/runtime/TestFolder.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr const char *kPrompt = "Once upon a time there was a little house in the woods and";
constexpr double kMostError = 0.02; // relative, as Frobenius norms; bf16 alone makes 0.007

struct Matrix {
  size_t rows = 0, columns = 0;
  std::vector<float> values;
};

/// A .npy file as NumPy's format description has it (version 1.0), of f32.
Matrix readNpy(const fs::path &path) {
  std::string bytes = contentsOf(path);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\0", 8)) << path;
  size_t header = 10 + uint8_t(bytes[8]) + 256 * uint8_t(bytes[9]);
  EXPECT_EQ(header % 64, 0u);
  Matrix matrix;
  EXPECT_EQ(sscanf(bytes.c_str() + 10,
                   "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", &matrix.rows,
                   &matrix.columns),
            2)
      << path;
  matrix.values.resize(matrix.rows * matrix.columns);
  EXPECT_EQ(bytes.size(), header + matrix.values.size() * sizeof(float)) << path;
  memcpy(matrix.values.data(), bytes.data() + header, bytes.size() - header);
  return matrix;
}

using Dump = std::map<std::string, Matrix>;

/// The values that index.json lists, which are all that there are.
Dump readDump(const fs::path &folder) {
  Dump dump;
  auto index = JsonDocument::parseFile(folder / "index.json", 1 << 20);
  EXPECT_TRUE(index.ok()) << index.status();
  std::vector<JsonValue> values = index->object()->array("values").value();
  for (const JsonValue &value : values) {
    JsonObject fields = value.object().value();
    std::string name(fields.string("name").value());
    dump[name] = readNpy(folder / (name + ".npy"));
    std::vector<int64_t> shape = fields.integers("shape").value();
    EXPECT_EQ(shape, (std::vector<int64_t>{int64_t(dump[name].rows), int64_t(dump[name].columns)}));
  }
  EXPECT_EQ(size_t(std::distance(fs::directory_iterator(folder), {})), dump.size() + 1);
  return dump;
}

class Activations : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder = testing::TempDir() + "/activations." + std::to_string(getpid());
    fs::create_directory(folder);
  }
  static void TearDownTestSuite() { fs::remove_all(folder); }

  static void call(const std::string &command) {
    EXPECT_EQ(std::system((command + " > /dev/null 2>&1").c_str()), 0) << command;
  }

  /// Compiles the model, once for the same options.
  static std::string compiled(const std::string &options) {
    static std::map<std::string, std::string> packages;
    auto [place, isNew] =
        packages.try_emplace(options, folder + "/" + std::to_string(packages.size()) + ".strata");
    if (isNew)
      call(STRATA_COMPILE " " STRATA_DEMO_MODEL " -o " + place->second + " " + options);
    return place->second;
  }

  /// Runs and reads what was dumped.
  static Dump dump(const std::string &compile, const std::string &run) {
    fs::remove_all(folder + "/dump");
    call("LD_LIBRARY_PATH=" STRATA_SIMULATOR " " STRATA_RUN " " + compiled(compile) + " -n 1 -p '" +
         kPrompt + "' --dump-activations " + folder + "/dump " + run);
    return readDump(folder + "/dump");
  }

  /// Compares the values that both have; returns how many.
  static int compare(const Dump &dump) {
    Checkpoint reference;
    absl::Status status = readSafetensors(STRATA_GOLDEN_DEMO, "activations.safetensors", reference);
    EXPECT_TRUE(status.ok()) << status;
    const CheckpointTensor *rows = reference.find("rows");
    std::vector<int32_t> numbers(rows->shape[0]);
    memcpy(numbers.data(), rows->bytes.data(), rows->bytes.size());
    int compared = 0;
    for (const auto &[name, ours] : dump)
      if (const CheckpointTensor *theirs = reference.find(name)) {
        EXPECT_LT(error(ours, *theirs, numbers), kMostError) << name;
        ++compared;
      }
    return compared;
  }

  static double error(const Matrix &ours, const CheckpointTensor &theirs,
                      const std::vector<int32_t> &rows) {
    EXPECT_EQ(ours.columns, theirs.shape[1]);
    EXPECT_EQ(ours.rows, theirs.shape[0] == 1 ? 1u : 17u);
    const auto *expected = reinterpret_cast<const float *>(theirs.bytes.data());
    double difference = 0, size = 0;
    for (size_t r = 0; r < theirs.shape[0]; ++r)
      for (size_t c = 0; c < ours.columns; ++c) {
        size_t row = theirs.shape[0] == 1 ? 0 : size_t(rows[r]);
        double value = expected[r * ours.columns + c];
        difference += std::pow(ours.values[row * ours.columns + c] - value, 2);
        size += value * value;
      }
    return std::sqrt(difference / size);
  }

  static inline std::string folder;
};

// 12 of the layer, 4 around the layers.
TEST_F(Activations, OfEveryOp) {
  Dump values = dump("--no-fuse --cpu=x86-64-v3", "");
  EXPECT_EQ(values.size(), 88u);
  EXPECT_EQ(compare(values), 16);
}

// What a fused op computes has the name that it has without fusion.
TEST_F(Activations, OfFusedOps) {
  Dump values = dump("", "");
  EXPECT_EQ(values.size(), 33u);
  EXPECT_EQ(compare(values), 7);
}

TEST_F(Activations, OfStepsOneBehindTheOther) { EXPECT_EQ(compare(dump("", "--chunk 5")), 7); }

// Run apart from the others: it is slow.
TEST_F(Activations, OnSimulatedGpu) {
  EXPECT_EQ(compare(dump("--target=cuda --arch=sim", "--device cuda")), 7);
}

} // namespace
} // namespace strata
