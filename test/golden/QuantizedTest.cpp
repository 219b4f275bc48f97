//===- QuantizedTest.cpp - the demonstration model in 8 bits --------------===//
//
// strata-quantize, strata-compile, and then what the model writes, and how likely it finds its
// held-out text, beside the model in bf16.
//
//===----------------------------------------------------------------------===//

#include "runtime/base/Json.h"
#include "test/tools/RunCommand.h"
#include "gtest/gtest.h"

namespace strata {
namespace {

class Quantized : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder.emplace();
    run(STRATA_QUANTIZE " " STRATA_DEMO_MODEL " -o " + folder->path("int8"));
    run(STRATA_COMPILE " " + folder->path("int8") + " -o " + folder->path("int8.strata"));
    run(STRATA_COMPILE " " STRATA_DEMO_MODEL " -o " + folder->path("bf16.strata"));
  }
  static void TearDownTestSuite() { folder.reset(); }

  /// What a command prints; it must succeed.
  static std::string run(const std::string &command) {
    const test::Result result = test::runCommand(*folder, command);
    EXPECT_EQ(result.status, 0) << command << "\n" << result.err;
    return result.out;
  }

  /// What strata-score finds out about the held-out text.
  static JsonDocument score(const std::string &package, const std::string &arguments) {
    const std::string text = run(STRATA_SCORE " " + folder->path(package) +
                                 " -o json -f " STRATA_DEMO_MODEL "/heldout.txt " + arguments);
    auto output = JsonDocument::parse(text, "output");
    EXPECT_TRUE(output.ok()) << output.status();
    return output.ok() ? *std::move(output) : *JsonDocument::parse("{}", "nothing");
  }

  static double perplexity(const std::string &package, const std::string &arguments = "-c 256") {
    return score(package, arguments).object()->number("perplexity").value_or(0);
  }

  /// The prompt and 64 greedy tokens.
  static std::string write(const std::string &package) {
    return run(STRATA_RUN " " + folder->path(package) + " -p 'In the beginning' -n 64 --temp 0");
  }

  static inline std::optional<TestFolder> folder;
};

TEST_F(Quantized, PerplexityIsAsInBf16) {
  const double int8 = perplexity("int8.strata"), bf16 = perplexity("bf16.strata");
  std::printf("perplexity: %.4f in 8 bits, %.4f in bf16\n", int8, bf16);
  EXPECT_NEAR(int8 / bf16, 1, 1e-3);
}

/// And what the two say apart is what they say side by side; of windows of the model's length, and
/// of such that more is scored of than a step has rows.
TEST_F(Quantized, DivergesLittleFromBf16) {
  for (const std::string windows : {"-c 256 --chunks 20", "-c 1100 --chunks 2"}) {
    const JsonDocument output =
        score("int8.strata", windows + " --kl " + folder->path("bf16.strata"));
    const auto number = [&](const char *key) { return output.object()->number(key).value_or(-1); };
    const double int8 = perplexity("int8.strata", windows);
    const double bf16 = perplexity("bf16.strata", windows);
    std::printf("%s: KL %.6f +/- %.6f, 99 %% %.6f, most %.6f; same top %.4f\n", windows.c_str(),
                number("kl"), number("kl_error"), number("kl_99"), number("kl_max"),
                number("same_top"));
    EXPECT_NEAR(number("perplexity") / int8, 1, 1e-9);
    EXPECT_NEAR(number("base_perplexity") / bf16, 1, 1e-9);
    EXPECT_NEAR(number("perplexity_ratio") / (int8 / bf16), 1, 1e-8);
    EXPECT_GT(number("kl"), 1e-6);
    EXPECT_LT(number("kl"), 1e-3);
    EXPECT_GT(number("same_top"), 0.98);
  }
}

/// Rounding changes the likeliest token where the first two are close, not at once.
TEST_F(Quantized, TextBeginsAsInBf16) {
  const std::string int8 = write("int8.strata"), bf16 = write("bf16.strata");
  const auto same = std::ranges::mismatch(int8, bf16).in1 - int8.begin();
  std::printf("%s\n", int8.c_str());
  EXPECT_GE(same, 60) << bf16;
}

TEST_F(Quantized, WeightsOfOtherTypesAreRefused) {
  const test::Result result = test::runCommand(
      *folder, STRATA_RUN " " + folder->path("int8.strata") + " -p a --weights " STRATA_DEMO_MODEL);
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find(".weight: dtype is bf16, expected i8"), std::string::npos)
      << result.err;
}

TEST_F(Quantized, NotForCuda) {
  const test::Result result =
      test::runCommand(*folder, STRATA_COMPILE " --target=cuda --arch=sim " + folder->path("int8") +
                                    " -o " + folder->path("cuda.strata"));
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("has weights of i8; only the cpu target takes them"), std::string::npos)
      << result.err;
}

} // namespace
} // namespace strata
