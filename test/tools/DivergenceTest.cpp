//===- DivergenceTest.cpp - how far a model is from another ---------------===//

#include "tools/score/Divergence.h"
#include "test/runtime/engine/FakeEngine.h"
#include "tools/score/CompareModels.h"

#include <cmath>
#include <limits>

namespace strata::test {
namespace {

/// Logits of these probabilities, all of them moved by `shift`, which changes nothing.
std::vector<float> logitsOf(std::initializer_list<double> probabilities, double shift = 0) {
  std::vector<float> logits;
  for (double probability : probabilities)
    logits.push_back(float(std::log(probability) + shift));
  return logits;
}

TEST(CompareLogits, KnownProbabilities) {
  const auto model = logitsOf({0.25, 0.25, 0.5}, 7), base = logitsOf({0.5, 0.25, 0.25}, -30);
  const auto token = compareLogits(model, base, 0);
  ASSERT_TRUE(token.ok()) << token.status();
  // 1/2 log 2 + 1/4 log 1 + 1/4 log 1/2
  EXPECT_NEAR(token->divergence, 0.25 * std::log(2), 1e-6); // logits are floats
  EXPECT_NEAR(token->logProbability, std::log(0.25), 1e-6);
  EXPECT_NEAR(token->baseLogProbability, std::log(0.5), 1e-6);
  EXPECT_FALSE(token->sameTop);
}

/// The definition, without a maximum taken out: for small logits.
double divergenceOf(std::span<const float> model, std::span<const float> base) {
  long double sumP = 0, sumQ = 0, result = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    sumP += std::exp((long double)base[i]);
    sumQ += std::exp((long double)model[i]);
  }
  for (size_t i = 0; i < base.size(); ++i) {
    const long double p = std::exp((long double)base[i]) / sumP;
    const long double q = std::exp((long double)model[i]) / sumQ;
    result += p * std::log(p / q);
  }
  return double(result);
}

TEST(CompareLogits, IsTheDefinition) {
  const std::vector<float> base = {3, -2.5, 0.25, 7, 6.9f, -11, 0, 1.5f};
  std::vector<float> model = base;
  for (size_t i = 0; i < model.size(); ++i)
    model[i] += 0.3f * float(int(i * 5 % 7) - 3);
  EXPECT_NEAR(compareLogits(model, base, 3)->divergence, divergenceOf(model, base), 1e-14);
  EXPECT_NEAR(compareLogits(base, model, 3)->divergence, divergenceOf(base, model), 1e-14);
  EXPECT_NE(divergenceOf(model, base), divergenceOf(base, model));
}

TEST(CompareLogits, OfTheSameIsExactlyNothing) {
  const std::vector<float> logits = {1e30f, -3, 88, 1e30f, -1e30f, 0.1f};
  const auto token = compareLogits(logits, logits, 4);
  EXPECT_EQ(token->divergence, 0);
  EXPECT_EQ(token->logProbability, token->baseLogProbability);
  EXPECT_TRUE(token->sameTop);
}

TEST(CompareLogits, OfEqualTopsTheFirstCounts) {
  const std::vector<float> two = {0, 5, 5}, first = {0, 5, 4}, second = {0, 4, 5};
  EXPECT_TRUE(compareLogits(two, first, 0)->sameTop);
  EXPECT_FALSE(compareLogits(two, second, 0)->sameTop);
}

TEST(CompareLogits, RefusesWhatIsNoNumber) {
  const std::vector<float> good = {1, 2, 3};
  for (const auto &[bad, name] : {std::pair{std::numeric_limits<float>::quiet_NaN(), "nan"},
                                  {std::numeric_limits<float>::infinity(), "inf"},
                                  {-std::numeric_limits<float>::infinity(), "-inf"}}) {
    const std::vector<float> row = {1, bad, 3};
    const std::string message =
        std::string("logits: expected finite numbers, found ") + name + " for token 1";
    EXPECT_EQ(compareLogits(row, good, 0).status(), absl::InternalError(message));
    EXPECT_EQ(compareLogits(good, row, 0).status(), absl::InternalError("base: " + message));
  }
}

TEST(Divergence, Statistics) {
  Divergence divergence;
  // Probabilities 1/4 and 1/2, 1/2 and 1/2, 1/2 and 1/4, 1/4 and 1/8 of the model and the base.
  divergence.add({0.1, std::log(0.25), std::log(0.5), false});
  divergence.add({0.0, std::log(0.5), std::log(0.5), true});
  divergence.add({0.4, std::log(0.5), std::log(0.25), true});
  divergence.add({0.3, std::log(0.25), std::log(0.125), true});
  EXPECT_EQ(divergence.tokens(), 4);
  EXPECT_DOUBLE_EQ(divergence.mean(), 0.2);
  // A sample's deviation is sqrt(0.1 / 3), that of its mean half of it.
  EXPECT_DOUBLE_EQ(divergence.error(), std::sqrt(0.1 / 3) / 2);
  EXPECT_DOUBLE_EQ(divergence.quantile(0), 0.0);
  EXPECT_DOUBLE_EQ(divergence.quantile(0.5), 0.2);
  EXPECT_DOUBLE_EQ(divergence.quantile(0.99), 0.397); // 0.97 of the way from 0.3 to 0.4
  EXPECT_DOUBLE_EQ(divergence.quantile(1), 0.4);
  EXPECT_DOUBLE_EQ(divergence.differenceRms(), std::sqrt((1 + 0 + 1 + 0.25) / 16 / 4));
  EXPECT_DOUBLE_EQ(divergence.sameTop(), 0.75);
  // Bits: 2, 1, 1, 2 and 1, 1, 2, 3; their differences 1, 0, -1, -1.
  EXPECT_DOUBLE_EQ(divergence.model().value(), std::exp2(6 / 4.0));
  EXPECT_DOUBLE_EQ(divergence.base().value(), std::exp2(7 / 4.0));
  EXPECT_DOUBLE_EQ(divergence.ratio().value(), std::exp2(-1 / 4.0));
  const double deviation = std::log(2) * std::sqrt(2.75 / 3); // squares from the mean, -1/4
  EXPECT_NEAR(divergence.ratio().error(), std::exp2(-1 / 4.0) * deviation / 2, 1e-14);
}

TEST(Divergence, OfOneToken) {
  Divergence divergence;
  divergence.add({0.5, -1, -2, true});
  EXPECT_EQ(divergence.mean(), 0.5);
  EXPECT_EQ(divergence.error(), 0);
  EXPECT_EQ(divergence.quantile(0.99), 0.5);
}

/// Two engines with the fake model.
class CompareModels : public FakeEngine {
protected:
  void SetUp() override {
    FakeEngine::SetUp();
    other = openEngine(*package, *weights, {.threads = 1, .context = 32}).value();
  }

  absl::StatusOr<Divergence> compare(std::span<const Window> windows,
                                     std::optional<int32_t> begin = std::nullopt) {
    return compareModels(*engine, *other, tokens, windows, begin, [&](size_t done, const auto &) {
      EXPECT_EQ(done, ++told);
      return absl::OkStatus();
    });
  }

  const std::vector<int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
  std::unique_ptr<Engine> other;
  size_t told = 0;
};

TEST_P(CompareModels, OfTheSameModelNothing) {
  for (const auto &windows : {chunkWindows(11, 5), stridedWindows(11, 5, 2)}) {
    told = 0;
    const auto result = compare(windows);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(told, windows.size());
    EXPECT_EQ(result->quantile(1), 0);
    EXPECT_EQ(result->sameTop(), 1);
    EXPECT_EQ(engine->cache().freePages(), engine->cache().pages());
  }
}

/// The same tokens are scored, by the same windows.
TEST_P(CompareModels, PerplexityIsThatOfTheModelAlone) {
  for (const std::optional<int32_t> begin : {std::optional<int32_t>(), std::optional(7)}) {
    const std::vector<Window> windows = chunkWindows(11, 5);
    const auto result = compare(windows, begin);
    const auto alone = measurePerplexity(*engine, tokens, windows, {begin, {}},
                                         [](const WindowScores &) { return absl::OkStatus(); });
    ASSERT_TRUE(result.ok() && alone.ok()) << result.status() << alone.status();
    EXPECT_EQ(result->tokens(), alone->tokens);
    EXPECT_NEAR(result->model().sum, alone->sum, 1e-9 * alone->sum);
    EXPECT_NEAR(result->base().sum, alone->sum, 1e-9 * alone->sum);
    told = 0;
  }
}

TEST_P(CompareModels, AnErrorOfWhoIsToldEndsIt) {
  const auto result =
      compareModels(*engine, *other, tokens, chunkWindows(11, 5), std::nullopt,
                    [](size_t, const Divergence &) { return absl::DataLossError("full"); });
  EXPECT_TRUE(says(result.status(), "full"));
}

INSTANTIATE_TEST_SUITE_P(, CompareModels, testing::Values(FakeParameter{"cpu", 2}), &nameOf);

} // namespace
} // namespace strata::test
