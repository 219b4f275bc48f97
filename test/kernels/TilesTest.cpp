//===- TilesTest.cpp - AMX's tiles and what stands for them ---------------===//

#include "test/kernels/KernelRun.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>

namespace strata::test {
namespace {

/// bf16 of all sizes from 2^-140 on, which tiles take as 0 below 2^-126, to 2^10.
Matrix numbers(int64_t rows, int64_t columns, std::mt19937_64 &generator) {
  Matrix matrix(rows, columns);
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> size(-140, 10);
  for (float &value : matrix.values)
    value =
        float(toType(std::ldexp(normal(generator), generator() % 4 ? 0 : size(generator)), "bf16"));
  return matrix;
}

/// Logits, which are f32, of models with one product and with two.
class Tiles : public testing::TestWithParam<const char *> {};

TEST_P(Tiles, GiveTheSameBitsEmulated) {
  const auto &all = kernelModels();
  const KernelModel &model =
      *std::find_if(all.begin(), all.end(), [](auto &m) { return m.name == GetParam(); });
  std::mt19937_64 generator{5};
  int64_t features = model.scores ? model.in : model.out;
  Parameters parameters{{"table", numbers(model.vocabulary, model.in, generator)},
                        {"weight", numbers(features, model.in, generator)},
                        {"residual", numbers(model.vocabulary, features, generator)},
                        {"scores", numbers(model.vocabulary, features, generator)}};
  KernelRun real(model, "x86-64-v4-amx", parameters, false);
  if (!real.ready())
    return;
  KernelRun emulated(model, "x86-64-v4-amx-emulated", parameters, false);
  for (int64_t count : {9, 16, 33, 100}) {
    Tokens tokens(size_t(count), 0);
    std::iota(tokens.begin(), tokens.end(), 0);
    std::vector<float> found = emulated.logits(tokens), expected = real.logits(tokens);
    ASSERT_EQ(found.size(), size_t(count * model.vocabulary));
    for (size_t i = 0; i != found.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(expected[i]))
          << "T = " << count << ": " << found[i] << " emulated, " << expected[i] << " by tiles";
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, Tiles, testing::Values("logits_many", "residual"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace
} // namespace strata::test
