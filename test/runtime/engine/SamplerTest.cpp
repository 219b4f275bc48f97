#include "runtime/engine/Sampler.h"

#include "runtime/base/Philox.h"
#include "runtime/base/TokenWeight.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

using namespace strata;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// `count` logits without any order.
std::vector<float> noise(size_t count, uint64_t seed = 1) {
  std::vector<float> logits;
  for (size_t i = 0; i < count; ++i)
    logits.push_back(static_cast<float>(philoxUniform(seed, i) * 20 - 10));
  return logits;
}

/// How often each token is chosen at positions 0 .. draws - 1.
std::vector<int> histogram(const SamplingParams &params, std::span<const float> logits, int draws) {
  Sampler sampler(params);
  std::vector<int> counts(logits.size());
  for (int position = 0; position < draws; ++position)
    ++counts.at(sampler.sample(logits, position).value());
  return counts;
}

/// Pearson's statistic of `counts` against the probabilities of `logits` at a temperature; those
/// that are not kept must not occur.
double chiSquare(const std::vector<int> &counts, std::span<const float> logits, double temperature,
                 const std::vector<bool> &kept) {
  double total = 0, statistic = 0;
  int draws = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    total += kept[i] ? std::exp(logits[i] / temperature) : 0;
    draws += counts[i];
  }
  for (size_t i = 0; i < logits.size(); ++i) {
    const double expected = kept[i] ? draws * std::exp(logits[i] / temperature) / total : 0;
    if (kept[i])
      statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
    else
      EXPECT_EQ(counts[i], 0) << i;
  }
  return statistic;
}

std::string error(std::span<const float> logits, float temperature = 0) {
  return std::string(Sampler({.temperature = temperature}).sample(logits, 0).status().message());
}

} // namespace

// Vectors of the authors' Random123 library (kat_vectors, philox4x32 10).
TEST(Philox, KnownVectors) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xFFFFFFFF;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UniformNumbersFillTheUnitInterval) {
  double sum = 0, least = 1, most = 0;
  for (uint64_t i = 0; i < 100000; ++i) {
    const double number = philoxUniform(7, i);
    sum += number;
    least = std::min(least, number);
    most = std::max(most, number);
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
  EXPECT_GE(least, 0.0);
  EXPECT_LT(least, 1e-4);
  EXPECT_LT(most, 1.0);
  EXPECT_GT(most, 1 - 1e-4);
}

TEST(TokenWeight, IsAPowerOfTwo) {
  constexpr double kOne = double(uint64_t(1) << kTokenWeightBits);
  EXPECT_EQ(tokenWeight(0, 1), uint64_t(1) << kTokenWeightBits);
  EXPECT_EQ(tokenWeight(3, 1), uint64_t(1) << (kTokenWeightBits - 3));
  EXPECT_EQ(tokenWeight(float(kTokenWeightBits), 1), 1u);
  EXPECT_EQ(tokenWeight(kTokenWeightBits + 0.01f, 1), 0u);
  EXPECT_EQ(tokenWeight(kInfinity, 1e-30f), 0u); // of a logit that is -infinity
  EXPECT_EQ(tokenWeight(0, std::numeric_limits<float>::max()), uint64_t(1) << kTokenWeightBits);
  for (uint64_t i = 0; i < 100000; ++i) {
    const auto below = float(philoxUniform(3, i) * 12);
    const double expected = kOne * std::exp2(-double(below) * 1.25);
    EXPECT_NEAR(double(tokenWeight(below, 1.25f)), expected, 2e-6 * expected + 1) << below;
  }
}

TEST(SamplingParams, Validate) {
  EXPECT_EQ(SamplingParams().validate(), absl::OkStatus());
  EXPECT_EQ((SamplingParams{.temperature = 10, .topK = 1, .topP = 1e-6f}).validate(),
            absl::OkStatus());
  const auto message = [](SamplingParams params) {
    return std::string(params.validate().message());
  };
  EXPECT_EQ(message({.temperature = -1}), "temperature: expected a number in [0, 10], found -1");
  EXPECT_EQ(message({.temperature = 11}), "temperature: expected a number in [0, 10], found 11");
  EXPECT_EQ(message({.temperature = NAN}), "temperature: expected a number in [0, 10], found nan");
  EXPECT_EQ(message({.topK = -1}), "top_k: expected an integer of at least 0, found -1");
  EXPECT_EQ(message({.topP = 0}), "top_p: expected a number in (0, 1], found 0");
  EXPECT_EQ(message({.topP = 1.5}), "top_p: expected a number in (0, 1], found 1.5");
  EXPECT_EQ(message({.topP = NAN}), "top_p: expected a number in (0, 1], found nan");
  EXPECT_EQ(message({.minP = -1}), "min_p: expected a number in [0, 1], found -1");
}

TEST(Sampler, GreedyTakesTheFirstOfTheLargest) {
  Sampler greedy({});
  EXPECT_EQ(*greedy.sample(std::vector<float>{1, 3, 3, 2}, 0), 1);
  EXPECT_EQ(*greedy.sample(std::vector<float>{-kInfinity, -5, -kInfinity}, 0), 1);
  EXPECT_EQ(*greedy.sample(std::vector<float>{-0.0f, 0.0f}, 0), 0);
  EXPECT_EQ(*greedy.sample(std::vector<float>{7}, 0), 0);
  for (size_t size : {8193, 10000, 151936}) { // no multiples of anything
    std::vector<float> logits(size, 0.0f);
    logits.back() = 1;
    EXPECT_EQ(*greedy.sample(logits, 0), static_cast<int32_t>(size - 1));
  }
}

/// One logit after the other.
static int32_t likeliestBySteps(std::span<const float> logits, AllowedTokens allowed) {
  for (size_t i = 0; i < logits.size(); ++i)
    if (!(logits[i] < kInfinity))
      return ~int32_t(i);
  auto best = ~int32_t(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    if ((allowed.empty() || (i / 64 < allowed.size() && allowed[i / 64] >> (i % 64) & 1)) &&
        logits[i] > (best < 0 ? -kInfinity : logits[size_t(best)]))
      best = int32_t(i);
  return best;
}

TEST(Sampler, LikeliestIsThatOfOneLogitAfterTheOther) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    std::vector<float> logits = noise(1 + seed * 3 % 400, seed);
    for (float &logit : logits)
      logit = std::round(logit); // equal ones
    std::vector<uint64_t> words(seed % 2 ? philoxBits(seed, 0) % 8 : 0);
    for (size_t i = 0; i < words.size(); ++i) {
      const uint64_t kinds[] = {0, ~uint64_t(0), philoxBits(seed, 2 * i + 1)};
      words[i] = kinds[philoxBits(seed, 2 * i + 2) % 3];
    }
    if (seed % 5 == 0)
      logits[philoxBits(seed, 99) % logits.size()] = seed % 2 ? kInfinity : NAN;
    if (seed % 7 == 0)
      std::fill(logits.begin(), logits.end(), -kInfinity);
    EXPECT_EQ(findLikeliest(logits, words), likeliestBySteps(logits, words)) << seed;
  }
}

TEST(Sampler, LogitsAreNumbers) {
  for (float temperature : {0.0f, 1.0f}) {
    EXPECT_EQ(error(std::vector<float>{1, NAN, 2}, temperature),
              "logits[1]: expected a number, found NaN or infinity");
    EXPECT_EQ(error(std::vector<float>{1, 2, kInfinity}, temperature),
              "logits[2]: expected a number, found NaN or infinity");
    EXPECT_EQ(error(std::vector<float>{-kInfinity, -kInfinity}, temperature),
              "none of the 2 logits is a number");
    EXPECT_EQ(error({}, temperature), "none of the 0 logits is a number");
  }
}

TEST(Sampler, FollowsTheDistribution) {
  const std::vector<float> logits = {2, 1, 0, -1, -2, -kInfinity, 1.5, 0.5};
  const std::vector<bool> kept = {true, true, true, true, true, false, true, true};
  for (float temperature : {0.5f, 1.0f, 2.0f}) {
    const auto counts = histogram({.temperature = temperature, .seed = 42}, logits, 100000);
    // 22.46: exceeded once in a thousand times with 6 degrees of freedom.
    EXPECT_LT(chiSquare(counts, logits, temperature, kept), 22.46) << temperature;
  }
}

TEST(Sampler, TopK) {
  const std::vector<float> logits = {2, 1, 3, 1, 0};
  const auto counts = histogram({.temperature = 1, .topK = 3, .seed = 1}, logits, 100000);
  // Of the two 1s, the first is kept.
  EXPECT_LT(chiSquare(counts, logits, 1, {true, true, true, false, false}), 13.82);
  EXPECT_EQ(histogram({.temperature = 1, .topK = 1}, logits, 100)[2], 100);
  const auto all = histogram({.temperature = 1, .topK = 500, .seed = 1}, logits, 100000);
  EXPECT_LT(chiSquare(all, logits, 1, {true, true, true, true, true}), 18.47);
}

TEST(Sampler, OfEqualLogitsTheLowestIdsAreKept) {
  const std::vector<float> logits = {0.0f, -1, -0.0f, 0.0f, 0.0f};
  const auto kept = [&](const SamplingParams &params) {
    const std::vector<int> counts = histogram(params, logits, 200);
    return std::vector<bool>(counts.begin(), counts.end());
  };
  const std::vector<bool> three = {true, false, true, true, false};
  EXPECT_EQ(kept({.temperature = 1, .topK = 3}), three);
  EXPECT_EQ(kept({.temperature = 1, .topP = 0.6f}), three);
  EXPECT_EQ(kept({.temperature = 1, .topK = 4, .topP = 0.74f}), three);
}

TEST(Sampler, OnlyAllowedTokensAreDrawn) {
  std::vector<float> logits(130, 0.0f);
  logits[5] = 3;
  const std::vector<uint64_t> words = {uint64_t(1) << 7, 0, 2}; // tokens 7 and 129
  const Draw any = Sampler({.temperature = 1, .topK = 100, .topP = 0.9f}).drawAt(0);
  EXPECT_EQ(drawToken(logits, {}, words), 7);
  logits[129] = 1;
  EXPECT_EQ(drawToken(logits, {}, words), 129);
  EXPECT_TRUE(drawToken(logits, any, words) == 7 || drawToken(logits, any, words) == 129);
  EXPECT_EQ(drawToken(logits, {}, std::vector<uint64_t>(3)), ~130);
  logits[6] = NAN; // also where it may not be drawn
  EXPECT_EQ(drawToken(logits, {}, words), ~6);
}

TEST(Sampler, TopP) {
  // Probabilities 0.4, 0.3, 0.2, 0.1.
  std::vector<float> logits;
  for (double probability : {0.2, 0.4, 0.1, 0.3})
    logits.push_back(static_cast<float>(std::log(probability)));
  const auto kept = [&](float topP) {
    std::vector<int> counts = histogram({.temperature = 1, .topP = topP, .seed = 3}, logits, 500);
    return std::count_if(counts.begin(), counts.end(), [](int count) { return count > 0; });
  };
  EXPECT_EQ(kept(1e-6f), 1);
  EXPECT_EQ(kept(0.39f), 1);
  EXPECT_EQ(kept(0.41f), 2);
  EXPECT_EQ(kept(0.69f), 2);
  EXPECT_EQ(kept(0.71f), 3);
  EXPECT_EQ(kept(0.89f), 3);
  EXPECT_EQ(kept(0.91f), 4);
  EXPECT_EQ(kept(1.0f), 4);
  const auto counts = histogram({.temperature = 1, .topP = 0.8f, .seed = 3}, logits, 20000);
  EXPECT_LT(chiSquare(counts, logits, 1, {true, true, false, true}), 13.82);
}

TEST(Sampler, TopPCountsWhatTopKLeft) {
  // Of 0.4, 0.3, 0.2, 0.1, top-k 2 leaves 4/7 and 3/7.
  std::vector<float> logits;
  for (double probability : {0.4, 0.3, 0.2, 0.1})
    logits.push_back(static_cast<float>(std::log(probability)));
  EXPECT_EQ(histogram({.temperature = 1, .topK = 2, .topP = 0.56f}, logits, 1000)[0], 1000);
  EXPECT_GT(histogram({.temperature = 1, .topK = 2, .topP = 0.58f}, logits, 1000)[1], 300);
}

TEST(Sampler, MinPDropsWhatIsLessLikelyThanAShareOfTheLikeliest) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f),
                                     std::log(0.05f)};
  const auto counts = histogram({.temperature = 1, .minP = 0.29f}, logits, 2000);
  EXPECT_GT(counts[0], 900);
  EXPECT_GT(counts[1], 500);
  EXPECT_GT(counts[2], 200);
  EXPECT_EQ(counts[3], 0);
  EXPECT_EQ(histogram({.temperature = 1, .minP = 1}, logits, 100)[0], 100);
}

/// What top-p keeps, by sorting everything.
static std::vector<bool> keptByTopP(std::span<const float> logits, double topP) {
  std::vector<size_t> order(logits.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  double total = 0, reached = 0;
  for (float logit : logits)
    total += std::exp(double(logit));
  std::vector<bool> kept(logits.size());
  for (size_t i = 0; i < order.size() && reached < topP * total; ++i) {
    kept[order[i]] = true;
    reached += std::exp(double(logits[order[i]]));
  }
  return kept;
}

TEST(Sampler, TopPOfManyTokens) {
  std::vector<float> logits = noise(5000);
  for (float &logit : logits)
    logit = std::round(logit * 4) / 8; // many equal ones, and a long tail
  for (float topP : {0.01f, 0.3f, 0.9f, 0.999f}) {
    const std::vector<bool> kept = keptByTopP(logits, topP);
    const auto counts = histogram({.temperature = 1, .topP = topP, .seed = 5}, logits, 300);
    for (size_t i = 0; i < logits.size(); ++i)
      ASSERT_TRUE(counts[i] == 0 || kept[i]) << topP << " " << i;
  }
}

TEST(Sampler, ExtremeTemperatures) {
  const std::vector<float> logits = {-3e38f, 3e38f, 1};
  EXPECT_EQ(histogram({.temperature = 1e-30f}, logits, 100)[1], 100);
  EXPECT_EQ(histogram({.temperature = 10, .topP = 0.5f}, logits, 100)[1], 100);
  EXPECT_EQ(histogram({.temperature = 10, .topK = 2}, logits, 100)[1], 100);
}

TEST(Sampler, IsAFunctionOfSeedAndPosition) {
  const std::vector<float> logits = noise(1000);
  const SamplingParams params{.temperature = 2, .topK = 100, .topP = 0.95f, .seed = 9};
  std::vector<int32_t> forwards(64), backwards(64), threaded(64);
  Sampler sampler(params);
  for (int i = 0; i < 64; ++i)
    forwards[i] = *sampler.sample(logits, i);
  for (int i = 63; i >= 0; --i)
    backwards[i] = *sampler.sample(logits, i);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Sampler own(params);
      for (int i = t; i < 64; i += 4)
        threaded[i] = *own.sample(logits, i);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(forwards, backwards);
  EXPECT_EQ(forwards, threaded);
  SamplingParams other = params;
  other.seed = 10;
  Sampler second(other);
  int equal = 0;
  for (int i = 0; i < 64; ++i)
    equal += *second.sample(logits, i) == forwards[i];
  EXPECT_LT(equal, 32);
}

// The same on every machine, compiler and C library: a seed is a promise.
TEST(Sampler, Golden) {
  const std::vector<float> logits = noise(256000, 77);
  const auto draw = [&](const SamplingParams &params) {
    Sampler sampler(params);
    std::vector<int32_t> ids;
    for (uint64_t position = 0; position < 4; ++position)
      ids.push_back(*sampler.sample(logits, position));
    return ids;
  };
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(draw({.temperature = 1, .seed = 123}), (Ids{17578, 164514, 44795, 30639}));
  EXPECT_EQ(draw({.temperature = 0.7f, .topP = 0.9f, .seed = 123}),
            (Ids{17875, 164622, 44957, 30730}));
  EXPECT_EQ(draw({.temperature = 1, .topK = 40, .topP = 0.9f, .seed = 123}),
            (Ids{23198, 196972, 35348, 27302}));
}
