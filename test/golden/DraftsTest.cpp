//===- DraftsTest.cpp - the demonstration model's texts, guessed -----------===//
//
// Texts are the same with and without drafts: bit for bit where steps are batch-invariant. Where
// they are not, sums of steps of several tokens may be rounded in another order, and a text may go
// another way where two tokens are about as likely.
//
//===----------------------------------------------------------------------===//

#include "runtime/OpenEngine.h"
#include "runtime/base/MappedFile.h"
#include "runtime/drafts/DraftedSequence.h"
#include "runtime/drafts/ModelDrafter.h"
#include "runtime/drafts/NgramDrafter.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace strata {
namespace {

using Tokens = std::vector<int32_t>;
namespace files = std::filesystem;

constexpr size_t kPrompts = 200, kPassage = 96, kBegun = 16;
constexpr int64_t kGenerated = 24;

/// A compiled model and its weights.
struct Compiled {
  explicit Compiled(const std::string &model, const std::string &path) {
    const std::string command = STRATA_COMPILE " " + model + " -o " + path + " > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    package.emplace(Package::open(path).value());
    weights.emplace(Weights::fromPackage(*package).value());
  }
  std::unique_ptr<Engine> open(bool batchInvariant) const {
    return openEngine(*package, *weights, {.threads = 1, .batchInvariant = batchInvariant}).value();
  }
  std::optional<Package> package;
  std::optional<Weights> weights;
};

/// The folder of the demonstration model, but for all layers but the first two.
std::string cutModel(const std::string &folder) {
  files::create_directories(folder);
  for (const auto &file : files::directory_iterator(STRATA_DEMO_MODEL))
    if (file.is_regular_file() && file.path().filename() != "config.json")
      files::create_symlink(file.path(), files::path(folder) / file.path().filename());
  std::string config = readFile(STRATA_DEMO_MODEL "/config.json", 1 << 20).value();
  const std::string layers = "\"num_hidden_layers\": 6";
  config.replace(config.find(layers), layers.size(), "\"num_hidden_layers\": 2");
  std::ofstream(folder + "/config.json") << config;
  return folder;
}

class Drafts : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder = testing::TempDir() + "/drafts." + std::to_string(getpid());
    cut = std::make_unique<Compiled>(cutModel(folder), folder + "/cut.strata");
    demo = std::make_unique<Compiled>(STRATA_DEMO_MODEL, folder + "/demo.strata");
    const auto section = demo->package->findSection("tokenizer");
    tokenizer = loadTokenizer("tokenizer", *section, "tokenizer").value();
  }
  static void TearDownTestSuite() {
    cut.reset();
    demo.reset();
    files::remove_all(folder);
  }

  /// A passage, and its beginning once more: a model is tempted to repeat the rest.
  static std::vector<Tokens> prompts() {
    const std::string text = readFile(STRATA_DEMO_MODEL "/heldout.txt", 1 << 24).value();
    const Tokens tokens = tokenizer->encode(text).value();
    std::vector<Tokens> prompts;
    const size_t stride = (tokens.size() - kPassage) / kPrompts;
    for (size_t i = 0; i < kPrompts; ++i) {
      const auto begin = tokens.begin() + ptrdiff_t(i * stride);
      prompts.emplace_back(begin, begin + kPassage);
      prompts.back().insert(prompts.back().end(), begin, begin + kBegun);
    }
    return prompts;
  }

  /// The model's greedy text behind a prompt.
  Tokens write(Engine &engine, Drafter *drafter, const Tokens &prompt) {
    const Sequence sequence = engine.open();
    DraftedSequence drafted(engine, sequence, drafter);
    Tokens text = prompt;
    const auto end = int64_t(prompt.size()) + kGenerated;
    while (int64_t(text.size()) < end) {
      const auto step = drafted.step(text, end - int64_t(text.size()) - 1, Sampler({})).value();
      const Tokens guesses(drafted.drafts().begin(), drafted.drafts().end());
      size_t accepted = 0;
      for (;; ++accepted) {
        text.push_back(step.token(int64_t(accepted)).value());
        if (accepted == guesses.size() || guesses[accepted] != text.back())
          break;
      }
      EXPECT_TRUE(drafted.settle(int64_t(accepted)).ok());
    }
    counts += drafted.counts();
    EXPECT_TRUE(engine.close(sequence).ok());
    return text;
  }

  /// How many of the texts are the same with drafts.
  size_t same(bool batchInvariant, Drafter &drafter) {
    const auto engine = demo->open(batchInvariant);
    const std::vector<Tokens> asked = prompts();
    std::vector<Tokens> &alone = texts[batchInvariant];
    for (size_t i = alone.size(); i < kPrompts; ++i)
      alone.push_back(write(*engine, nullptr, asked[i]));
    size_t equal = 0;
    for (size_t i = 0; i < kPrompts; ++i)
      equal += write(*engine, &drafter, asked[i]) == alone[i];
    EXPECT_EQ(engine->cache().freePages(), engine->cache().pages());
    std::cout << equal << " of " << kPrompts << " texts are the same; " << counts.accepted << " of "
              << counts.tokens << " drafts were accepted\n";
    return equal;
  }

  static inline std::string folder;
  static inline std::unique_ptr<Compiled> demo, cut;
  static inline std::unique_ptr<Tokenizer> tokenizer;
  static inline std::vector<Tokens> texts[2]; // without drafts, as steps are usually and invariant
  DraftCounts counts;
};

TEST_F(Drafts, ByNgramsChangeNoBatchInvariantText) {
  NgramDrafter drafter;
  EXPECT_EQ(same(/*batchInvariant=*/true, drafter), kPrompts);
  EXPECT_GT(counts.accepted, 100u);
}

TEST_F(Drafts, OfASmallerModelChangeNoBatchInvariantText) {
  ModelDrafter drafter(cut->open(false));
  EXPECT_EQ(same(/*batchInvariant=*/true, drafter), kPrompts);
  EXPECT_GT(counts.accepted, 100u);
}

TEST_F(Drafts, ByNgramsChangeFewOtherTexts) {
  NgramDrafter drafter;
  EXPECT_GE(same(/*batchInvariant=*/false, drafter), kPrompts * 9 / 10);
}

TEST_F(Drafts, LogitsAfterARejectionAreThoseOfATextThatWasNeverGuessed) {
  const auto engine = demo->open(/*batchInvariant=*/true);
  const Tokens prompt = prompts()[3];
  const Sequence plain = engine->open(), guessed = engine->open();
  const auto feed = [&](Sequence sequence, std::span<const int32_t> tokens) {
    const BatchEntry entry{sequence, tokens, LogitRows::last};
    const StepResult step = engine->step({&entry, 1}).value();
    return std::vector<float>(step.row(0).begin(), step.row(0).end());
  };
  for (size_t i = 0; i < prompt.size(); ++i) {
    const auto expected = feed(plain, std::span(prompt).subspan(i, 1));
    Tokens wrong{prompt[i]}; // and up to 15 drafts, over the ends of pages
    for (size_t draft = 0; draft < i % 16; ++draft)
      wrong.push_back(int32_t((i * 97 + draft * 31) % 2048));
    feed(guessed, wrong);
    ASSERT_TRUE(engine->rewind(guessed, int64_t(i)).ok());
    const auto found = feed(guessed, std::span(prompt).subspan(i, 1));
    ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0) << i;
  }
  EXPECT_TRUE(engine->close(plain).ok());
  EXPECT_TRUE(engine->close(guessed).ok());
  EXPECT_EQ(engine->cache().freePages(), engine->cache().pages());
}

} // namespace
} // namespace strata
