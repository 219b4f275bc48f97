//===- SampleTest.cpp - tokens drawn on the device as on the host ---------===//

#include "runtime/base/TokenWeight.h"
#include "test/kernels/KernelRun.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <random>

namespace strata::test {
namespace {

/// On a device, with a model whose vocabulary is a multiple of 4 or not.
class Sample : public testing::TestWithParam<std::tuple<std::string, std::string>> {
protected:
  void SetUp() override {
    const auto &all = kernelModels();
    model = &*std::find_if(all.begin(), all.end(),
                           [&](auto &m) { return m.name == std::get<1>(GetParam()); });
    auto random = [&](int64_t rows, int64_t columns) {
      Matrix matrix(rows, columns);
      std::uniform_int_distribution<int> integer(-4, 4);
      for (float &value : matrix.values)
        value = float(integer(generator));
      return matrix;
    };
    int64_t features = model->scores ? model->in : model->out;
    parameters["table"] = random(model->vocabulary, model->in);
    parameters["gamma"] = parameters["beta"] = random(1, model->in);
    parameters["weight"] = random(features, model->in);
    parameters["scores"] = random(model->vocabulary, features);
    for (int64_t token = kDifferent; token < model->vocabulary; ++token) // many logits are equal
      for (int64_t i = 0; i != features; ++i)
        score(token, i) = score(token % kDifferent, i);
  }

  float &score(int64_t token, int64_t feature) { return parameters["scores"].at(token, feature); }

  std::unique_ptr<KernelRun> open() {
    return std::make_unique<KernelRun>(*model, std::get<0>(GetParam()), parameters, true);
  }

  /// Makes the largest logit of the first tokens `largest`.
  void scaleLogits(float largest) {
    float found = 0;
    for (float logit : open()->logits(firstTokens(20)))
      found = std::max(found, std::fabs(logit));
    for (float &value : parameters["scores"].values)
      value *= largest / found;
  }

  static Tokens firstTokens(int64_t count) {
    Tokens tokens(size_t(count), 0);
    std::iota(tokens.begin(), tokens.end(), 0);
    return tokens;
  }

  template <typename T>
  T oneOf(std::initializer_list<T> values) {
    return values.begin()[generator() % values.size()];
  }

  /// Of all kinds, with a seed of its own.
  Draw randomDraw() {
    const SamplingParams params{.temperature = oneOf({0.0f, 1e-30f, 0.1f, 0.7f, 1.0f, 2.5f, 10.0f}),
                                .topK = oneOf({0, 0, 1, 2, 40, 199, 300, 5000}),
                                .topP = oneOf({1.0f, 1.0f, 1e-6f, 0.1f, 0.5f, 0.9f, 0.999f}),
                                .minP = oneOf({0.0f, 0.0f, 0.05f, 1.0f}),
                                .seed = generator()};
    EXPECT_EQ(params.validate(), absl::OkStatus());
    return Sampler(params).drawAt(generator());
  }

  /// About half of the tokens, few, or none.
  std::vector<uint64_t> randomTokens() {
    std::vector<uint64_t> words(size_t(model->vocabulary + 63) / 64);
    const uint64_t kind = generator() % 8;
    for (uint64_t &word : words)
      word = kind == 0  ? 0
             : kind < 4 ? generator() & generator() & generator() & generator()
                        : generator();
    return words;
  }

  static constexpr int64_t kDifferent = 70;
  const KernelModel *model = nullptr;
  Parameters parameters;
  std::mt19937_64 generator{7};
};

TEST_P(Sample, LikeliestIsTheFirstOfTheLargest) {
  for (int64_t count : {1, 3, 20}) {
    const auto [expected, found] =
        open()->draw(firstTokens(count), std::vector<RowOutput>(size_t(count), {.draw = Draw()}));
    EXPECT_EQ(found, expected);
    EXPECT_LT(*std::max_element(expected.begin(), expected.end()), kDifferent);
  }
}

TEST_P(Sample, NamesTheFirstLogitThatIsNoNumber) {
  for (int64_t token : {model->vocabulary - 1, int64_t(131), int64_t(130)}) {
    score(token, 0) = NAN;
    std::vector<RowOutput> draws(3, {.draw = Draw()});
    draws[1].draw = Sampler({.temperature = 1, .topK = 5, .topP = 0.5f}).drawAt(0);
    const auto [expected, found] = open()->draw(firstTokens(3), draws);
    EXPECT_EQ(expected, Tokens(3, ~int32_t(token)));
    EXPECT_EQ(found, expected);
    EXPECT_EQ(likeliestToken(found[0], model->vocabulary).status().message(),
              "logits[" + std::to_string(token) + "]: expected a number, found NaN or infinity");
  }
}

// STRATA_EVERY_STEP=1: 10,000 rows of all models together.
TEST_P(Sample, IsTheTokenThatTheHostDraws) {
  scaleLogits(12);
  const auto run = open();
  const int64_t rows = 64, steps = std::getenv("STRATA_EVERY_STEP") ? 53 : 5;
  for (int64_t step = 0; step != steps; ++step) {
    std::vector<std::vector<uint64_t>> allowed(static_cast<size_t>(rows));
    std::vector<RowOutput> outputs;
    for (std::vector<uint64_t> &words : allowed) {
      if (generator() % 4 == 0)
        words = randomTokens();
      outputs.push_back({.draw = randomDraw(), .allowed = words});
    }
    const auto [expected, found] = run->draw(firstTokens(rows), outputs);
    for (size_t row = 0; row != size_t(rows); ++row) {
      const Draw &draw = *outputs[row].draw;
      ASSERT_EQ(found[row], expected[row])
          << "step " << step << ", row " << row << ": scale " << draw.scale << ", top-k "
          << draw.topK << ", top-p " << double(draw.topP) * 0x1p-64 << ", least weight "
          << draw.leastWeight << (allowed[row].empty() ? "" : ", of some tokens");
    }
  }
}

std::string nameOf(const testing::TestParamInfo<Sample::ParamType> &info) {
  return std::get<0>(info.param) + "_" + std::get<1>(info.param);
}
INSTANTIATE_TEST_SUITE_P(Normal, Sample,
                         testing::Combine(testing::Values("cuda"),
                                          testing::Values("plain", "logits_norm", "logits_many")),
                         nameOf);

} // namespace
} // namespace strata::test
