//===- WeightsTest.cpp - weights from files, sections and nowhere ---------===//

#include "runtime/package/Weights.h"
#include "runtime/base/Philox.h"
#include "runtime/checkpoint/Blocks.h"
#include "runtime/cpu/RandomWeights.h"
#include "test/runtime/TestPackage.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace strata::test {
namespace {

/// The fake model with its table in a file of 16 bytes, then 8192 of data. Its header are the first
/// 12 and the last 8 bytes of all.
struct FileModel {
  TestFolder weights, packages;
  std::string bytes = std::string(16, 'h') + std::string(8192, 't');

  std::string writePackage(const std::string &weightsFolder) const {
    TestPackage package = fakeModel();
    package.manifest.weights_dir = weightsFolder;
    auto file = std::make_unique<package::CheckpointFileT>();
    std::string header = bytes.substr(0, 12) + bytes.substr(8200);
    XXH128_hash_t hash = XXH3_128bits(header.data(), header.size());
    file->name = "model.bin";
    file->size = bytes.size();
    file->header = {{0, 12}, {8200, 8}};
    file->header_hash_low = hash.low64;
    file->header_hash_high = hash.high64;
    package.manifest.files.push_back(std::move(file));
    package.manifest.parameters[0]->storage = package::Storage::file;
    package.manifest.parameters[0]->offset = 16;
    package.layout();
    return packages.write("fake.strata", package.encode());
  }

  absl::StatusOr<Weights> load(const std::string &weightsFolder) {
    package = std::make_unique<absl::StatusOr<Package>>(Package::open(writePackage(weightsFolder)));
    return package->ok() ? Weights::fromPackage(**package) : package->status();
  }

  std::unique_ptr<absl::StatusOr<Package>> package;
};

TEST(Weights, AreMappedFromTheFileAndTheSection) {
  FileModel model;
  model.weights.write("model.bin", model.bytes);
  auto weights = model.load(model.weights.path());
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->bytes(), 16384u);
  EXPECT_EQ(memcmp(weights->parameters()[0].data(), &model.bytes[16], 8192), 0);
  float scale;
  memcpy(&scale, weights->parameters()[1].data() + 4, sizeof scale);
  EXPECT_EQ(scale, 2);
}

/// The two are often moved together, to where another folder of the old name is, or is made anew.
TEST(Weights, LieBesideThePackageIfTheyAreNotWhereTheyWere) {
  FileModel model;
  model.packages.write("model.bin", model.bytes);
  EXPECT_TRUE(model.load("/no/such/folder").ok());
  EXPECT_TRUE(model.load(model.weights.path()).ok()) << "the folder is there, and empty";
  model.weights.write("model.bin", "another");
  EXPECT_TRUE(
      says(model.load(model.weights.path()).status(), model.weights.path("model.bin") + ": size"));
}

TEST(Weights, LieBesideWhatThePackageIsALinkTo) {
  FileModel model;
  model.packages.write("model.bin", model.bytes);
  model.writePackage("/no/such/folder");
  TestFolder elsewhere;
  std::filesystem::create_symlink(model.packages.path("fake.strata"),
                                  elsewhere.path("link.strata"));
  const auto package = Package::open(elsewhere.path("link.strata"));
  EXPECT_TRUE(Weights::fromPackage(*package).ok());
  elsewhere.write("model.bin", "another");
  EXPECT_FALSE(Weights::fromPackage(*package).ok()) << "beside the link comes first";
}

TEST(Weights, AbsentFileIsNamed) {
  FileModel model;
  absl::Status status = model.load("/no/such/folder").status();
  EXPECT_TRUE(says(status, model.packages.path() + "/fake.strata: weights: expected model.bin in "
                                                   "/no/such/folder or"));
  EXPECT_TRUE(says(status, "--weights"));
}

TEST(Weights, ChangedSizeIsDetected) {
  FileModel model;
  model.weights.write("model.bin", model.bytes + "x");
  EXPECT_TRUE(
      says(model.load(model.weights.path()).status(),
           "/model.bin: size: expected 8208 bytes as when compiled, found 8209; compile the "
           "model again"));
}

TEST(Weights, ChangedHeaderIsDetected) {
  FileModel model;
  for (size_t byte : {0, 11, 8200, 8207}) {
    std::string other = model.bytes;
    other[byte] = 'x';
    model.weights.write("model.bin", other);
    EXPECT_TRUE(says(model.load(model.weights.path()).status(), "/model.bin: header: expected"));
  }
}

TEST(Weights, FolderInPlaceOfTheFileIsAnError) {
  FileModel model;
  std::filesystem::create_directory(model.weights.path() + "/model.bin");
  EXPECT_FALSE(model.load(model.weights.path()).ok());
}

using Shape = std::vector<uint64_t>;

absl::StatusOr<Package> unboundPackage(const TestFolder &folder, Shape shape, package::DType dtype,
                                       bool scales = false) {
  TestPackage package = fakeModel();
  package.manifest.parameters[1]->scales = scales;
  package.manifest.parameters[1]->storage = package::Storage::unbound;
  package.manifest.parameters[1]->shape = std::move(shape);
  package.manifest.parameters[1]->dtype = dtype;
  package.layout();
  return Package::open(folder.write("fake.strata", package.encode()));
}

TEST(Weights, UnboundOnesAreAnError) {
  TestFolder folder;
  auto package = unboundPackage(folder, {16}, package::DType::bf16);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_TRUE(says(Weights::fromPackage(*package).status(),
                   "scale: the package was compiled without weights; pass --weights DIR"));
}

float toFloat(const std::byte *bytes) {
  uint16_t half;
  memcpy(&half, bytes, sizeof half);
  uint32_t bits = uint32_t(half) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Of normal numbers and zero.
float float16(const std::byte *bytes) {
  uint16_t half;
  memcpy(&half, bytes, sizeof half);
  float magnitude =
      half & 0x7fff ? std::ldexp(1024.0f + float(half & 0x3ff), (half >> 10 & 0x1f) - 25) : 0;
  return half & 0x8000 ? -magnitude : magnitude;
}

/// The fake model's second parameter, "scale", with random values.
std::vector<std::byte> randomScale(const Shape &shape, package::DType dtype, uint64_t seed,
                                   bool scales = false) {
  TestFolder folder;
  auto package = unboundPackage(folder, shape, dtype, scales);
  EXPECT_TRUE(package.ok()) << package.status();
  auto weights = cpu::inMemory(*package, Weights::random(*package, seed));
  EXPECT_TRUE(weights.ok()) << weights.status();
  EXPECT_FALSE(weights->seed().has_value());
  std::span<const std::byte> bytes = weights->parameters()[1];
  EXPECT_EQ(bytes.size(), blockSize(dtype).bytesOf(checkedProduct(shape)));
  return {bytes.begin(), bytes.end()};
}

TEST(Weights, RandomAreNormalAndTheSameForASeed) {
  constexpr uint64_t size = 300001;
  std::vector<std::byte> bytes = randomScale({size}, package::DType::bf16, 1);
  EXPECT_EQ(bytes, randomScale({size}, package::DType::bf16, 1));
  EXPECT_NE(bytes, randomScale({size}, package::DType::bf16, 2));
  double sum = 0, squares = 0, next = 0, last = 0;
  for (uint64_t i = 0; i < size; ++i) {
    double value = toFloat(&bytes[2 * i]);
    sum += value;
    squares += value * value;
    next += value * last;
    last = value;
  }
  EXPECT_NEAR(sum / size, 0, 2e-4);
  EXPECT_NEAR(std::sqrt(squares / size), 0.02, 2e-4);
  EXPECT_NEAR(next / squares, 0, 0.01) << "neighbours";
}

/// Word `i` of "scale", written once more by the description in RandomWeights.h.
uint32_t randomWord(uint64_t seed, uint64_t i) {
  uint64_t stream = randomStream("scale"), group = i / 4;
  return philox({uint32_t(group), uint32_t(group >> 32), uint32_t(stream), uint32_t(stream >> 32)},
                {uint32_t(seed), uint32_t(seed >> 32)})[i % 4];
}

/// Value `i` of "scale", in double.
double randomValue(uint64_t seed, uint64_t i) {
  uint32_t word = randomWord(seed, i);
  int sum = 0;
  for (int byte = 0; byte < 4; ++byte)
    sum += int(word >> 8 * byte & 0xff);
  return (sum - 510) * double(kRandomScale);
}

TEST(Weights, RandomAreAsDescribedInEveryType) {
  constexpr uint64_t size = 70001, seed = 0x123456789abcdef0; // more than a thread makes at once
  std::vector<std::byte> f32 = randomScale({size}, package::DType::f32, seed),
                         bf16 = randomScale({size}, package::DType::bf16, seed),
                         f16 = randomScale({size}, package::DType::f16, seed),
                         i8 = randomScale({size}, package::DType::i8, seed),
                         i32 = randomScale({size}, package::DType::i32, seed);
  for (uint64_t i = 0; i < size; ++i) {
    auto expected = float(randomValue(seed, i));
    float exact, half = float16(&f16[2 * i]), brain = toFloat(&bf16[2 * i]);
    memcpy(&exact, &f32[4 * i], sizeof exact);
    ASSERT_EQ(exact, expected) << i;
    ASSERT_LE(std::abs(half - expected), std::abs(expected) * 0x1p-11f) << i << ": half a unit";
    ASSERT_LE(std::abs(brain - expected), std::abs(expected) * 0x1p-8f) << i;
    ASSERT_EQ(int8_t(i8[i]), std::nearbyint(expected * 1024)) << i;
    uint32_t word;
    memcpy(&word, &i32[4 * i], sizeof word);
    ASSERT_EQ(word, randomWord(seed, i)) << i;
  }
}

TEST(Weights, RandomScalesOfI8AreOneNumber) {
  const std::vector<std::byte> bytes = randomScale({300}, package::DType::bf16, 1, /*scales=*/true);
  for (size_t i = 0; i < 300; ++i)
    ASSERT_EQ(toFloat(&bytes[2 * i]), 0x1p-10f) << i;
}

/// Blocks of a type with a seed, `count` of them, made in pieces of `each`.
std::vector<std::byte> randomBlocks(package::DType dtype, uint64_t count, uint64_t each) {
  const BlockSize size = blockSize(dtype);
  std::vector<std::byte> bytes(count * size.bytes);
  for (uint64_t done = 0; done < count; done += each) {
    const uint64_t blocks = std::min(each, count - done);
    cpu::makeRandomValues({dtype, 1, randomStream("a"), done * size.elements},
                          std::span(bytes).subspan(done * size.bytes, blocks * size.bytes));
  }
  return bytes;
}

/// Numbers with the deviation of other random weights, whatever the format.
TEST(Weights, RandomBlocksAreOfTheSameDeviation) {
  for (const RandomBlock &block : kRandomBlocks) {
    const DType dtype = dtypeNamed(package::EnumNameDType(block.dtype)).value();
    const std::vector<std::byte> bytes = randomBlocks(block.dtype, 3000, 3000);
    std::vector<float> weights(3000 * blockSize(dtype).elements);
    decodeBlocks(dtype, bytes, weights);
    double sum = 0, squares = 0;
    for (float weight : weights)
      sum += double(weight), squares += double(weight) * double(weight);
    const auto count = double(weights.size());
    EXPECT_NEAR(std::sqrt(squares / count), 0.02, 4e-4) << name(dtype);
    EXPECT_NEAR(sum / count, 0, 0.003) << name(dtype);
  }
}

TEST(Weights, RandomBlocksAreTheSameInPiecesOfAnySize) {
  for (const RandomBlock &block : kRandomBlocks) {
    const std::vector<std::byte> bytes = randomBlocks(block.dtype, 101, 101);
    for (uint64_t each : {1, 2, 7, 64})
      EXPECT_EQ(randomBlocks(block.dtype, 101, each), bytes)
          << package::EnumNameDType(block.dtype) << ", " << each;
  }
}

/// Byte `b` of "scale", by the description in RandomWeights.h.
std::byte randomByte(uint64_t seed, uint64_t b) {
  const uint64_t stream = randomStream("scale"), group = b / 16;
  const uint32_t word =
      philox({uint32_t(group), uint32_t(group >> 32), uint32_t(stream), uint32_t(stream >> 32)},
             {uint32_t(seed), uint32_t(seed >> 32)})[b / 4 % 4];
  return std::byte(word >> 8 * (b % 4) & 0xff);
}

/// In a package's parameter, which threads make in pieces: all of a block but its scales.
TEST(Weights, RandomBlocksAreAsDescribed) {
  constexpr uint64_t seed = 0x123456789abcdef0, blocks = 600; // more than a thread makes at once
  const std::vector<std::byte> bytes = randomScale({blocks, 256}, package::DType::q5_k, seed);
  ASSERT_EQ(bytes.size(), blocks * 176);
  for (uint64_t i = 0; i < bytes.size(); ++i) {
    constexpr std::byte kScales[] = {std::byte(0x7d), std::byte(0x02), std::byte(0xd2),
                                     std::byte(0x10)};
    const std::byte expected = i % 176 < 4 ? kScales[i % 176] : randomByte(seed, i);
    ASSERT_EQ(bytes[i], expected) << i;
  }
}

TEST(Weights, StreamsOfKeysAreFnv1a) {
  EXPECT_EQ(randomStream(""), 0xcbf29ce484222325u);
  EXPECT_EQ(randomStream("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(randomStream("foobar"), 0x85944171f73967e8u);
}

TEST(Weights, RandomThatDoNotFitAreAnError) {
  TestFolder folder;
  auto package = unboundPackage(folder, {uint64_t(1) << 46}, package::DType::f32);
  ASSERT_TRUE(package.ok()) << package.status();
  Weights weights = Weights::random(*package, 1);
  EXPECT_EQ(weights.seed(), 1u);
  EXPECT_EQ(weights.parameters()[1].size(), uint64_t(1) << 48);
  EXPECT_TRUE(
      says(cpu::inMemory(*package, weights).status(), "random weights: 281.5 TB are needed"));
}

} // namespace
} // namespace strata::test
