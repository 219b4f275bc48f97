//===- PackageTest.cpp - what a damaged or false package is met with ------===//

#include "runtime/package/Package.h"
#include "runtime/package/PackageFormat.h"
#include "test/runtime/TestPackage.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

namespace strata::test {
namespace {

/// The valid package of all tests, and the end of its manifest.
const std::string &validFile() {
  static const std::string file = fakeModel().encode();
  return file;
}

size_t manifestEnd() {
  PackageHeader header;
  memcpy(&header, validFile().data(), sizeof header);
  return header.manifestOffset + header.manifestSize;
}

std::string changed(const std::function<void(PackageHeader &)> &change) {
  std::string file = validFile();
  PackageHeader header;
  memcpy(&header, file.data(), sizeof header);
  change(header);
  memcpy(file.data(), &header, sizeof header);
  seal(file);
  return file;
}

TEST(Package, ValidIsAccepted) {
  EXPECT_EQ(verify(validFile()), absl::OkStatus());
  TestFolder folder;
  auto package = Package::open(folder.write("fake.strata", validFile()));
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_EQ(textOf(package->model().name()), "fake");
  EXPECT_EQ(package->findSection("weights")->size(), 16384u);
  EXPECT_FALSE(package->findSection("tokenizer"));
  EXPECT_TRUE(package->code("cpu").ok());
  EXPECT_TRUE(says(package->code("cuda").status(),
                   "device: expected one the package has a program for (cpu), found cuda"));
}

TEST(Package, ErrorNamesTheFile) {
  TestFolder folder;
  std::string path = folder.write("short.strata", validFile().substr(0, 100));
  EXPECT_TRUE(says(Package::open(path).status(), path));
  EXPECT_FALSE(Package::open(folder.path()).ok());
  EXPECT_FALSE(Package::open(folder.path() + "/none").ok());
  EXPECT_FALSE(Package::open(folder.write("empty.strata", "")).ok());
}

TEST(Package, EveryTruncationIsDetected) {
  for (size_t size = 0; size <= manifestEnd(); ++size)
    ASSERT_FALSE(verify(validFile().substr(0, size)).ok()) << size;
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    size_t size = random() % validFile().size();
    ASSERT_FALSE(verify(validFile().substr(0, size)).ok()) << size;
  }
}

TEST(Package, AppendedBytesAreDetected) {
  for (size_t size : {1, 100, 4096, 100000})
    EXPECT_TRUE(says(verify(validFile() + std::string(size, '\0')), "file size: expected"));
}

TEST(Package, EveryBitFlipOfHeaderAndManifestIsDetected) {
  std::string file = validFile();
  for (size_t bit = 0; bit < 8 * manifestEnd(); ++bit) {
    file[bit / 8] ^= char(1 << bit % 8);
    ASSERT_FALSE(verify(file).ok()) << "bit " << bit;
    file[bit / 8] ^= char(1 << bit % 8);
  }
}

TEST(Package, BitFlipsElsewhereAreDetected) {
  std::string file = validFile();
  std::mt19937 random(2);
  for (int i = 0; i < 10000; ++i) {
    size_t byte = manifestEnd() + random() % (file.size() - manifestEnd());
    char flip = char(1 << random() % 8);
    file[byte] ^= flip;
    ASSERT_FALSE(verify(file).ok()) << "byte " << byte;
    file[byte] ^= flip;
  }
}

// With the hashes made right again, FlatBuffers' verifier and the index checks stand alone: they
// may accept a harmless change, but must not crash (the sanitizers watch).
TEST(Package, SealedBitFlipsDoNotCrash) {
  std::string file = validFile();
  for (size_t bit = 8 * sizeof(PackageHeader); bit < 8 * manifestEnd(); ++bit) {
    std::string flipped = file;
    flipped[bit / 8] ^= char(1 << bit % 8);
    seal(flipped);
    verify(flipped).IgnoreError();
  }
}

TEST(Package, HeaderFields) {
  EXPECT_TRUE(says(
      verify("not a package, but long enough to have a header of 64 bytes, as it must"), "magic"));
  for (int step : {-1, 1})
    EXPECT_TRUE(says(verify(changed([&](auto &header) { header.major += uint32_t(step); })),
                     "format version: expected 3.0 to 3.2, found"));
  EXPECT_TRUE(says(verify(changed([](auto &header) { header.minor += 1; })),
                   "format version: expected 3.0 to 3.2, found 3.3"));
  for (uint64_t size : {uint64_t(0), uint64_t(1) << 32, uint64_t(1) << 63, UINT64_MAX})
    EXPECT_TRUE(says(verify(changed([&](auto &header) { header.fileSize = size; })),
                     "file size: expected"));
  for (uint64_t size : {uint64_t(1) << 32, uint64_t(1) << 63, UINT64_MAX}) {
    std::string file = validFile();
    memcpy(file.data() + offsetof(PackageHeader, manifestSize), &size, sizeof size);
    EXPECT_FALSE(verify(file).ok());
  }
}

} // namespace
} // namespace strata::test
