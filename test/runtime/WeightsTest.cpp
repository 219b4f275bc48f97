//===- WeightsTest.cpp - weights from files, sections and nowhere ---------===//

#include "runtime/Weights.h"
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
  TemporaryFolder weights, packages;
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

TEST(Weights, LieBesideThePackageIfTheFolderIsGone) {
  FileModel model;
  model.packages.write("model.bin", model.bytes);
  EXPECT_TRUE(model.load("/no/such/folder").ok());
  // A folder that is there is the one that is meant.
  EXPECT_TRUE(says(model.load(model.weights.path()).status(),
                   "weights: expected model.bin in " + model.weights.path()));
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

absl::StatusOr<Package> unboundPackage(const TemporaryFolder &folder, uint64_t size,
                                       package::DType dtype) {
  TestPackage package = fakeModel();
  package.manifest.parameters[1]->storage = package::Storage::unbound;
  package.manifest.parameters[1]->shape = {size};
  package.manifest.parameters[1]->dtype = dtype;
  package.layout();
  return Package::open(folder.write("fake.strata", package.encode()));
}

TEST(Weights, UnboundOnesAreAnError) {
  TemporaryFolder folder;
  auto package = unboundPackage(folder, 16, package::DType::bf16);
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

TEST(Weights, RandomAreNormalAndTheSameForASeed) {
  constexpr uint64_t size = 300001;
  TemporaryFolder folder;
  auto package = unboundPackage(folder, size, package::DType::bf16);
  ASSERT_TRUE(package.ok()) << package.status();
  auto a = Weights::random(*package, 1), b = Weights::random(*package, 1);
  auto c = Weights::random(*package, 2);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok()) << a.status();
  std::span<const std::byte> bytes = a->parameters()[1];
  ASSERT_EQ(bytes.size(), 2 * size);
  EXPECT_EQ(memcmp(bytes.data(), b->parameters()[1].data(), bytes.size()), 0);
  EXPECT_NE(memcmp(bytes.data(), c->parameters()[1].data(), bytes.size()), 0);
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < size; ++i) {
    double value = toFloat(bytes.data() + 2 * i);
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / size, 0, 1e-3);
  EXPECT_NEAR(std::sqrt(squares / size), 0.02, 1e-3);
}

TEST(Weights, RandomCanShareMemory) {
  TemporaryFolder folder;
  auto package = unboundPackage(folder, 300001, package::DType::bf16);
  ASSERT_TRUE(package.ok()) << package.status();
  auto apart = Weights::random(*package, 1), shared = Weights::random(*package, 1, true);
  ASSERT_TRUE(apart.ok() && shared.ok()) << shared.status();
  ASSERT_EQ(shared->parameters().size(), apart->parameters().size());
  for (size_t i = 0; i < apart->parameters().size(); ++i) {
    std::span<const std::byte> bytes = shared->parameters()[i];
    EXPECT_EQ(bytes.size(), apart->parameters()[i].size());
    EXPECT_NE(std::count(bytes.begin(), bytes.end(), std::byte(0)), ptrdiff_t(bytes.size()));
    for (size_t j = 0; j < i; ++j)
      EXPECT_EQ(package->manifest().parameters()->Get(uint32_t(i))->dtype() ==
                    package->manifest().parameters()->Get(uint32_t(j))->dtype(),
                bytes.data() == shared->parameters()[j].data());
  }
}

TEST(Weights, RandomThatDoNotFitAreAnError) {
  TemporaryFolder folder;
  auto package = unboundPackage(folder, uint64_t(1) << 46, package::DType::f32);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_TRUE(says(Weights::random(*package, 1).status(), "random weights: 281.5 TB are needed"));
}

} // namespace
} // namespace strata::test
