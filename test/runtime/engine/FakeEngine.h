//===- FakeEngine.h - the fake model on a device, for tests -----*- C++ -*-===//
#pragma once

#include "runtime/OpenEngine.h"
#include "test/runtime/TestPackage.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strata::test {

struct FakeParameter {
  std::string device;
  int threads;
};
inline std::string nameOf(const testing::TestParamInfo<FakeParameter> &info) {
  return info.param.device + std::to_string(info.param.threads);
}

/// The fake model with two sequences of 32 tokens.
class FakeEngine : public testing::TestWithParam<FakeParameter> {
protected:
  void SetUp() override { start({.sequences = 2, .poison = true}); }

  void start(EngineOptions options) {
    options.threads = GetParam().threads;
    options.device = GetParam().device;
    TestPackage model = fakeModel();
    if (options.device != "cpu")
      makeCuda(*model.manifest.programs[0], "sim", package::CodeFormat::elf);
    model.layout();
    engine.reset();
    auto opened = Package::open(folder.write("fake.strata", model.encode()));
    ASSERT_TRUE(opened.ok()) << opened.status();
    package.emplace(*std::move(opened));
    auto loaded = Weights::fromPackage(*package);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    weights.emplace(*std::move(loaded));
    auto created = openEngine(*package, *weights, options);
    ASSERT_TRUE(created.ok()) << created.status();
    engine = *std::move(created);
  }

  /// The sum that the logits of a row are multiples of; checks that they are.
  float sumOf(const StepResult &result, int64_t row) {
    std::span<const float> logits = result.row(row);
    for (size_t v = 0; v < logits.size(); ++v)
      EXPECT_EQ(logits[v], logits[0] * float(v + 1)) << "row " << row << " logit " << v;
    return logits[0];
  }

  absl::StatusOr<StepResult> step(Sequence sequence, std::span<const int32_t> tokens,
                                  LogitRows rows = LogitRows::last) {
    BatchEntry entry{sequence, tokens, rows};
    return engine->step({&entry, 1});
  }

  TestFolder folder;
  std::optional<Package> package;
  std::optional<Weights> weights;
  std::unique_ptr<Engine> engine;
};

} // namespace strata::test
