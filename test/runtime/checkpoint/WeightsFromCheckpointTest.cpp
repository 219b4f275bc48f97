//===- WeightsFromCheckpointTest.cpp - a package and another checkpoint ---===//

#include "runtime/checkpoint/WeightsFromCheckpoint.h"
#include "runtime/base/Status.h"
#include "test/runtime/TestPackage.h"

#include <gtest/gtest.h>

namespace strata::test {
namespace {

/// The fake model, its table being a weight of 4 x 4 f32, rows 8 elements apart, in groups of 2, 3
/// apart, and its scale a norm's.
struct BoxedModel {
  TestFolder folder;

  absl::StatusOr<Weights> bind(Box box, bool includesOne) {
    TestPackage package = fakeModel();
    package::ParameterT &table = *package.manifest.parameters[0];
    table.shape = {4, 4};
    table.row_stride = 8;
    table.group_rows = 2;
    table.group_stride = 3;
    package.manifest.parameters[1]->includes_one = true;
    package.layout();
    STRATA_ASSIGN(Package opened, Package::open(folder.write("fake.strata", package.encode())));
    Checkpoint checkpoint;
    STRATA_ASSIGN(MappedFile file, MappedFile::open(folder.write("w.bin", std::string(9000, 'w'))));
    checkpoint.addFile("w.bin", std::move(file), {});
    STRATA_TRY(checkpoint.addTensor("table", {DType::f32, {4, 4}, 0, 16, box}));
    STRATA_TRY(checkpoint.addTensor("scale", {DType::f32, {2048}, 0, 200, {}, includesOne}));
    return weightsFromCheckpoint(opened, std::move(checkpoint));
  }
};

TEST(WeightsFromCheckpoint, AreThoseThatTheKernelsRead) {
  auto weights = BoxedModel().bind(Box{8, 2, 3}, true);
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->parameters()[0].size(), (4 * 8 + 4) * sizeof(float));
}

TEST(WeightsFromCheckpoint, OtherBoxesAreRefused) {
  BoxedModel model;
  EXPECT_TRUE(says(model.bind(Box(), true).status(),
                   "/w.bin: table: expected rows 8 elements apart, in groups of 2, 3 apart as when "
                   "compiled, found them one after the other; compile the model again"));
  EXPECT_TRUE(says(model.bind(Box{8, 2, 4}, true).status(),
                   "found them 8 elements apart, in groups of 2, 4 apart"));
  EXPECT_TRUE(says(model.bind(Box{0, 2, 3}, true).status(), "found them in groups of 2, 3 apart"));
  EXPECT_TRUE(says(model.bind(Box{8}, true).status(), "found them 8 elements apart; compile"));
}

TEST(WeightsFromCheckpoint, NormsWithoutTheOneAreRefused) {
  EXPECT_TRUE(says(BoxedModel().bind(Box{8, 2, 3}, false).status(),
                   "/w.bin: scale: expected values with the 1 of the norm as when compiled, found "
                   "them without it; compile the model again"));
}

/// Types of the same name are the same.
TEST(WeightsFromCheckpoint, HaveTheTypeOfThePackage) {
  for (auto dtype : package::EnumValuesDType()) {
    if (blockSize(dtype).elements == 1)
      continue;
    const DType same = dtypeNamed(package::EnumNameDType(dtype)).value();
    TestFolder folder;
    TestPackage package = fakeModel();
    package.manifest.parameters[0]->dtype = dtype;
    package.manifest.parameters[0]->shape = {2, 256};
    package.layout();
    const auto opened = Package::open(folder.write("fake.strata", package.encode()));
    ASSERT_TRUE(opened.ok()) << opened.status();
    const std::string path = folder.write("w.bin", std::string(9000, 'w'));
    const auto bind = [&](DType found) -> absl::StatusOr<Weights> {
      Checkpoint checkpoint;
      STRATA_ASSIGN(MappedFile file, MappedFile::open(path));
      checkpoint.addFile("w.bin", std::move(file), {});
      STRATA_TRY(checkpoint.addTensor("table", {found, {2, 256}, 0, 16}));
      STRATA_TRY(checkpoint.addTensor("scale", {DType::f32, {2048}, 0, 200}));
      return weightsFromCheckpoint(*opened, std::move(checkpoint));
    };
    const auto weights = bind(same);
    ASSERT_TRUE(weights.ok()) << weights.status();
    EXPECT_EQ(weights->parameters()[0].size(), blockSize(same).bytesOf(512));
    EXPECT_TRUE(
        says(bind(DType::f32).status(),
             absl::StrCat("/w.bin: table: dtype is f32, expected ", std::string(name(same)))));
  }
}

} // namespace
} // namespace strata::test
