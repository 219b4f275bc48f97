//===- GenerationTest.cpp - greedy tokens of the demonstration model ------===//
//
// The compiled demonstration model against transformers' greedy continuation, and against itself:
// alone, beside another sequence in ragged steps, with another number of threads.
//
//===----------------------------------------------------------------------===//

#include "runtime/OpenEngine.h"
#include "runtime/base/Json.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace strata {
namespace {

using Tokens = std::vector<int32_t>;

int32_t argmax(std::span<const float> logits) {
  return int32_t(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

Tokens toTokens(const std::vector<int64_t> &values) { return Tokens(values.begin(), values.end()); }

class Generation : public testing::Test {
protected:
  static void SetUpTestSuite() {
    path = testing::TempDir() + "/generation." + std::to_string(getpid()) + ".strata";
    std::string command = STRATA_COMPILE " " STRATA_DEMO_MODEL " -o " + path + " > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  static void TearDownTestSuite() { std::filesystem::remove(path); }

  void SetUp() override {
    auto opened = Package::open(path);
    ASSERT_TRUE(opened.ok()) << opened.status();
    package.emplace(*std::move(opened));
    auto mapped = Weights::fromPackage(*package);
    ASSERT_TRUE(mapped.ok()) << mapped.status();
    weights.emplace(*std::move(mapped));
  }

  std::unique_ptr<Engine> engine(int threads) {
    auto made =
        openEngine(*package, *weights, {.threads = threads, .sequences = 3, .poison = true});
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  /// Feeds each prompt whole in the first step, then every sequence's likeliest token, step by
  /// step, all sequences at once.
  static std::vector<Tokens> generate(Engine &engine, const std::vector<Tokens> &prompts,
                                      size_t count) {
    std::vector<Tokens> next = prompts, generated(prompts.size());
    std::vector<Sequence> sequences;
    for (size_t i = 0; i != prompts.size(); ++i)
      sequences.push_back(engine.open());
    while (generated[0].size() != count) {
      std::vector<BatchEntry> batch;
      for (size_t i = 0; i != prompts.size(); ++i)
        batch.push_back({sequences[i], next[i]});
      auto result = engine.step(batch);
      EXPECT_TRUE(result.ok()) << result.status();
      for (size_t i = 0; i != prompts.size(); ++i) {
        generated[i].push_back(argmax(result->row(int64_t(i))));
        next[i] = {generated[i].back()};
      }
    }
    for (Sequence sequence : sequences)
      EXPECT_TRUE(engine.close(sequence).ok());
    return generated;
  }

  static inline std::string path;
  std::optional<Package> package;
  std::optional<Weights> weights;
};

// Prompts of different lengths, one of them longer than a page and than the decode regime.
std::vector<Tokens> prompts() {
  std::vector<Tokens> result(3);
  for (int32_t i = 0; i != 90; ++i)
    result[0].push_back(300 + i * 37 % 1500);
  for (int32_t i = 0; i != 5; ++i)
    result[1].push_back(500 + i * 101);
  for (int32_t i = 0; i != 23; ++i)
    result[2].push_back(1900 - i * 53);
  return result;
}

TEST_F(Generation, IsTheReferencesGreedyText) {
  auto document = JsonDocument::parseFile(STRATA_GOLDEN_GREEDY, 1 << 20);
  ASSERT_TRUE(document.ok()) << document.status();
  auto golden = document->object();
  ASSERT_TRUE(golden.ok()) << golden.status();
  Tokens prompt = toTokens(golden->integers("prompt_ids").value());
  Tokens expected = toTokens(golden->integers("ids").value());
  EXPECT_EQ(generate(*engine(2), {prompt}, expected.size()).front(), expected);
}

TEST_F(Generation, IsTheSameInARaggedBatch) {
  auto together = generate(*engine(2), prompts(), 40);
  for (size_t i = 0; i != prompts().size(); ++i)
    EXPECT_EQ(generate(*engine(2), {prompts()[i]}, 40).front(), together[i]) << "prompt " << i;
}

TEST_F(Generation, DoesNotDependOnThreads) {
  auto one = generate(*engine(1), prompts(), 40);
  for (int threads : {2, 3, 7})
    EXPECT_EQ(generate(*engine(threads), prompts(), 40), one) << threads << " threads";
}

TEST_F(Generation, GoesOnAfterARewind) {
  auto subject = engine(2);
  Sequence sequence = subject->open();
  Tokens prompt = prompts()[0];
  auto feed = [&](std::span<const int32_t> tokens) {
    auto result = subject->step({{{sequence, tokens}}});
    EXPECT_TRUE(result.ok()) << result.status();
    auto row = result->row(0);
    return std::vector<float>(row.begin(), row.end());
  };
  feed(std::span(prompt).first(70));
  std::vector<float> straight = feed(std::span(prompt).subspan(70, 1));
  ASSERT_TRUE(subject->rewind(sequence, 70).ok());
  feed(std::span(prompt).subspan(20, 9)); // other tokens, then forgotten
  ASSERT_TRUE(subject->rewind(sequence, 70).ok());
  EXPECT_EQ(feed(std::span(prompt).subspan(70, 1)), straight);
}

} // namespace
} // namespace strata
