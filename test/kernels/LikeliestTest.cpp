//===- LikeliestTest.cpp - argmax on the device as on the host ------------===//

#include "test/kernels/KernelRun.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace strata::test {
namespace {

/// On a device, with a model whose vocabulary is a multiple of 4 or not.
class Likeliest : public testing::TestWithParam<std::tuple<std::string, std::string>> {
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

  KernelRun::Likeliest run(int64_t count) {
    KernelRun run(*model, std::get<0>(GetParam()), parameters, true);
    Tokens tokens(size_t(count), 0);
    std::iota(tokens.begin(), tokens.end(), 0);
    return run.likeliest(tokens);
  }

  static constexpr int64_t kDifferent = 70;
  const KernelModel *model = nullptr;
  Parameters parameters;
  std::mt19937_64 generator{7};
};

TEST_P(Likeliest, IsTheFirstOfTheLargest) {
  for (int64_t count : {1, 3, 20}) {
    auto [expected, found] = run(count);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, expected);
    EXPECT_LT(*std::max_element(expected.begin(), expected.end()), kDifferent);
  }
}

TEST_P(Likeliest, NamesTheFirstLogitThatIsNoNumber) {
  for (int64_t token : {model->vocabulary - 1, int64_t(131), int64_t(130)}) {
    score(token, 0) = NAN;
    auto [expected, found] = run(3);
    EXPECT_EQ(expected, Tokens(3, ~int32_t(token)));
    EXPECT_EQ(found.status().message(),
              "logits[" + std::to_string(token) + "]: expected a number, found NaN or infinity");
  }
}

std::string nameOf(const testing::TestParamInfo<Likeliest::ParamType> &info) {
  return std::get<0>(info.param) + "_" + std::get<1>(info.param);
}
INSTANTIATE_TEST_SUITE_P(Normal, Likeliest,
                         testing::Combine(testing::Values("cuda"),
                                          testing::Values("plain", "logits_norm", "logits_many")),
                         nameOf);

} // namespace
} // namespace strata::test
