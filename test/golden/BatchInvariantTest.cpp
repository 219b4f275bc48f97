//===- BatchInvariantTest.cpp - a row's bits are its own -------------------===//
//
// Where steps are to be batch-invariant, the logits behind a token have the same bits whatever else
// is in the step and however its text is cut into steps. On CPUs every number of tokens is tried;
// on the simulated GPU, which is slow, those at which the forms of kernels change, unless
// STRATA_EVERY_STEP is set.
//
//===----------------------------------------------------------------------===//

#include "runtime/OpenEngine.h"
#include "runtime/base/Philox.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <unistd.h>

namespace strata {
namespace {

/// A golden case, and the code that runs it.
struct Case {
  std::string name, device, target;
  int64_t most; // tokens of the longest text
};

void PrintTo(const Case &test, std::ostream *os) { *os << test.name << " on " << test.target; }

const std::string kLevels = "x86-64-v3,x86-64-v4-bf16,x86-64-v4-amx,x86-64-v4-amx-emulated";

/// Compiled once for all of its code.
const std::string &packageOf(const Case &test) {
  static std::map<std::string, std::string> paths;
  std::string &path = paths[test.name + test.device];
  if (!path.empty())
    return path;
  path = testing::TempDir() + "/batch." + test.name + test.device + std::to_string(getpid()) +
         ".strata";
  const std::string model = test.name == "demo" ? STRATA_DEMO_MODEL : STRATA_GOLDEN "/" + test.name;
  const std::string arguments =
      test.device == "cpu" ? " --cpu=" + kLevels : " --target=cuda --arch=sim,sim_90a";
  const std::string command =
      STRATA_COMPILE " " + model + arguments + " -o " + path + " > /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::atexit([] {
    for (const auto &[name, path] : paths)
      std::filesystem::remove(path);
  });
  return path;
}

using Tokens = std::vector<int32_t>;
using Logits = std::vector<float>;

class BatchInvariant : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    package.emplace(Package::open(packageOf(GetParam())).value());
    weights.emplace(Weights::fromPackage(*package).value());
    auto opened = open(/*batchInvariant=*/true);
    if (opened.status().message().find("this CPU cannot run") != absl::string_view::npos)
      GTEST_SKIP() << opened.status();
    ASSERT_TRUE(opened.ok()) << opened.status();
    engine = *std::move(opened);
    tokens = random(0, GetParam().most);
    alone = logitsOf(tokens, GetParam().most);
  }

  absl::StatusOr<std::unique_ptr<Engine>> open(bool batchInvariant) const {
    return openEngine(*package, *weights,
                      {.threads = 2,
                       .target = GetParam().target,
                       .context = 160,
                       .sequences = 40,
                       .batchInvariant = batchInvariant,
                       .device = GetParam().device});
  }

  Tokens random(uint64_t seed, int64_t count) const {
    Tokens result;
    for (int64_t i = 0; i < count; ++i)
      result.push_back(int32_t(philoxUniform(seed, uint64_t(i)) * package->model().vocabulary()));
    return result;
  }

  /// Of every position of a text, `chunk` tokens a step, beside `others` other texts.
  Logits logitsOf(std::span<const int32_t> text, int64_t chunk, int others = 0) {
    Logits result;
    std::vector<Sequence> sequences;
    for (int i = 0; i <= others; ++i)
      sequences.push_back(engine->open());
    for (size_t done = 0; done < text.size();) {
      const size_t count = std::min(size_t(chunk), text.size() - done);
      std::vector<Tokens> beside;
      for (int i = 1; i <= others; ++i) // one token, a few, many
        beside.push_back(random(uint64_t(i) * 1000 + done, i % 3 == 0 ? 5 : 1));
      std::vector<BatchEntry> batch;
      for (int i = 1; i <= others; ++i) {
        if (i == others / 2 + 1)
          batch.push_back({sequences[0], text.subspan(done, count), LogitRows::all});
        batch.push_back({sequences[size_t(i)], beside[size_t(i) - 1], LogitRows::none});
      }
      if (others == 0)
        batch.push_back({sequences[0], text.subspan(done, count), LogitRows::all});
      for (int i = 1; i <= others; ++i) {
        if (*engine->length(sequences[size_t(i)]) > 140) {
          EXPECT_TRUE(engine->rewind(sequences[size_t(i)], 0).ok());
        }
      }
      auto step = engine->step(batch);
      EXPECT_TRUE(step.ok()) << step.status();
      if (!step.ok())
        break;
      result.insert(result.end(), step->logits.begin(), step->logits.end());
      done += count;
    }
    for (Sequence sequence : sequences)
      EXPECT_TRUE(engine->close(sequence).ok());
    return result;
  }

  /// Whether they are the beginning of what the text has alone, bit for bit.
  bool isSame(const Logits &logits) const {
    return logits.size() <= alone.size() &&
           std::memcmp(logits.data(), alone.data(), logits.size() * sizeof(float)) == 0;
  }

  std::optional<Package> package;
  std::optional<Weights> weights;
  std::unique_ptr<Engine> engine;
  Tokens tokens;
  Logits alone;
};

/// Whether all there is to try is tried on the device.
bool triesAll(const std::string &device) {
  return device == "cpu" || std::getenv("STRATA_EVERY_STEP");
}

/// Numbers of tokens of a step. Forms of the GPU's kernels end at 4, 16, 64 and 128 tokens, pages
/// at 64.
std::vector<int64_t> tokenCounts(const Case &test) {
  std::vector<int64_t> counts;
  for (int64_t count = 1; count <= test.most; ++count)
    if (triesAll(test.device) || count <= 17 || count % 64 <= 1 || count % 64 == 63 || count == 100)
      counts.push_back(count);
  return counts;
}

TEST_P(BatchInvariant, HoweverManyTokensAreInAStep) {
  for (const int64_t count : tokenCounts(GetParam()))
    EXPECT_TRUE(isSame(logitsOf(std::span(tokens).first(size_t(count)), count))) << count;
}

TEST_P(BatchInvariant, HoweverATextIsCut) {
  for (int64_t chunk : {1, 3, 7, 64, 100})
    EXPECT_TRUE(isSame(logitsOf(tokens, chunk))) << chunk;
}

TEST_P(BatchInvariant, WhateverElseIsInAStep) {
  for (int others : {1, 7, 31})
    for (int64_t chunk : {1, 64}) {
      const size_t count = chunk == 1 && !triesAll(GetParam().device) ? 4 : tokens.size();
      EXPECT_TRUE(isSame(logitsOf(std::span(tokens).first(count), chunk, others)))
          << others << " others, " << chunk;
    }
}

/// Otherwise the test would see nothing. But for tiles, all products of int8 are summed alike, and
/// rounding to 8 bits hides most of what is left.
TEST_P(BatchInvariant, UsualStepsDiffer) {
  if (GetParam().name == "int8" && GetParam().target.find("amx") == std::string::npos)
    return;
  engine = open(/*batchInvariant=*/false).value();
  alone = logitsOf(tokens, GetParam().most);
  EXPECT_FALSE(isSame(logitsOf(tokens, 1)));
}

INSTANTIATE_TEST_SUITE_P(
    Levels, BatchInvariant, testing::ValuesIn([] {
      std::vector<Case> cases;
      for (const char *level :
           {"x86-64-v3", "x86-64-v4-bf16", "x86-64-v4-amx", "x86-64-v4-amx-emulated"})
        for (const char *name : {"demo", "odd_sizes", "odd_widths", "f16", "int8"})
          cases.push_back({name, "cpu", level, 130});
      for (const char *chip : {"sim", "sim_90a"}) { // int8 is not for GPUs
        cases.push_back({"rotary_25", "cuda", chip, 130});
        for (const char *name : {"odd_sizes", "odd_widths"})
          cases.push_back({name, "cuda", chip, triesAll("cuda") ? 130 : 40});
      }
      return cases;
    }()),
    [](const auto &info) {
      std::string name = info.param.name + "_" + info.param.target;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

} // namespace
} // namespace strata
