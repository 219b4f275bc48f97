//===- NanTest.cpp - a NaN in the weights is never silently lost ----------===//
//
// Broken files hold NaN. A kernel that drops one, as max(NaN, 0) = 0 does, turns it into plausible
// text: so each parameter in turn gets one, and the step's logits must not be numbers.
//
//===----------------------------------------------------------------------===//

#include "runtime/OpenEngine.h"
#include "runtime/engine/Likeliest.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace strata {
namespace {

/// A golden case, and the devices that take its weights.
struct Case {
  std::string name;
  std::string arguments; // of strata-compile
  std::vector<std::string> devices;
};

class Nan : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    const Case &test = GetParam();
    path = testing::TempDir() + "/nan." + test.name + std::to_string(getpid()) + ".strata";
    const std::string command = STRATA_COMPILE " " STRATA_GOLDEN "/" + test.name + " " +
                                test.arguments + " -o " + path + " > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    auto opened = Package::open(path);
    ASSERT_TRUE(opened.ok()) << opened.status();
    package.emplace(*std::move(opened));
    auto mapped = Weights::fromPackage(*package);
    ASSERT_TRUE(mapped.ok()) << mapped.status();
    weights.emplace(*std::move(mapped));
  }
  void TearDown() override { std::filesystem::remove(path); }

  /// The weights with a NaN in the middle of parameter `index`, all bits set: the one that careless
  /// rounding turns into 0.
  Weights planted(size_t index) const {
    Weights::Parameters parameters = weights->parameters();
    const auto bytes = parameters[index];
    auto copy = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
    const size_t element = elementBytes(parameter(index).dtype());
    std::fill_n(copy->begin() + ptrdiff_t(bytes.size() / element / 2 * element), element,
                std::byte{0xff});
    parameters[index] = *copy;
    return {std::move(parameters), copy};
  }

  const package::Parameter &parameter(size_t index) const {
    return *package->manifest().parameters()->Get(uint32_t(index));
  }

  /// Whether a step with every token of the vocabulary has logits that are not numbers; of so few
  /// tokens at a time.
  bool isReported(const Weights &broken, const EngineOptions &options, int32_t together) const {
    auto engine = openEngine(*package, broken, options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    const Sequence sequence = (*engine)->open();
    const auto vocabulary = int32_t(package->model().vocabulary());
    for (int32_t first = 0; first < vocabulary; first += together) {
      std::vector<int32_t> tokens;
      for (int32_t id = first; id < std::min(vocabulary, first + together); ++id)
        tokens.push_back(id);
      const BatchEntry entry{sequence, tokens, LogitRows::all};
      auto stepped = (*engine)->step({&entry, 1});
      EXPECT_TRUE(stepped.ok()) << stepped.status();
      for (int64_t row = 0; stepped.ok() && row != stepped->rows; ++row)
        if (findLikeliest(stepped->row(row)) < 0)
          return true;
    }
    return false;
  }

  std::string path;
  std::optional<Package> package;
  std::optional<Weights> weights;
};

TEST_P(Nan, InEachParameter) {
  for (const std::string &device : GetParam().devices) {
    const EngineOptions options{.threads = 1, .context = 512, .device = device};
    ASSERT_FALSE(isReported(*weights, options, 100));
    for (size_t index = 0; index != weights->parameters().size(); ++index)
      if (parameter(index).dtype() != package::DType::i8) { // which has none
        for (const int32_t together : {1, 6, 100})
          EXPECT_TRUE(isReported(planted(index), options, together))
              << parameter(index).key()->str() << " on " << device << ", " << together
              << " tokens a step";
      }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Golden, Nan,
    testing::Values(Case{"biases", "--target=cpu,cuda --arch=sim", {"cpu", "cuda"}},
                    Case{"f16", "--target=cpu,cuda --arch=sim_90a", {"cpu", "cuda"}},
                    Case{"f32", "", {"cpu"}}, Case{"int8", "", {"cpu"}}),
    [](const auto &info) { return info.param.name; });

} // namespace
} // namespace strata
