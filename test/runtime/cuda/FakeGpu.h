//===- FakeGpu.h - the fake driver in a test's hands ------------*- C++ -*-===//
#pragma once

#include "runtime/OpenEngine.h"
#include "test/runtime/TestPackage.h"
#include "test/runtime/cuda/FakeDriver.h"

#include <memory>
#include <optional>
#include <string>

namespace strata::test {

/// The fake driver of this process.
FakeControl &fakeDriver();
/// As if the process began anew: all settings and counts, and no broken context.
void resetFakeDriver();

/// The fake model (TestPackage.h) with its program for cuda.
TestPackage fakeCudaModel(const std::string &target = "sim",
                          package::CodeFormat format = package::CodeFormat::elf);

/// Begins with a fresh driver; ends with a look at what is left in it.
class FakeGpu : public testing::Test {
protected:
  void SetUp() override { resetFakeDriver(); }
  void TearDown() override;

  /// An engine for a model.
  absl::StatusOr<std::unique_ptr<Engine>> create(const TestPackage &model,
                                                 EngineOptions options = {});
  /// One step of a new sequence.
  static absl::StatusOr<StepResult> step(Engine &engine, std::span<const int32_t> tokens);

  FakeControl &driver = fakeDriver();
  TestFolder folder;
  std::optional<Package> package;
  std::optional<Weights> weights;
};

} // namespace strata::test
