//===- ScoresTest.cpp - strata-score against transformers -----------------===//
//
// Perplexity of the demonstration model's held-out text and log-likelihoods of continuations, as
// demo/scores.json has them from transformers in float32 (make_scores.py).
//
//===----------------------------------------------------------------------===//

#include "runtime/base/Json.h"
#include "tools/command_line/JsonWriter.h"
#include "gtest/gtest.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace strata {
namespace {

JsonDocument parsed(absl::StatusOr<JsonDocument> document) {
  EXPECT_TRUE(document.ok()) << document.status();
  return document.ok() ? *std::move(document) : *JsonDocument::parse("{}", "nothing");
}

class Scores : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder = testing::TempDir() + "/scores." + std::to_string(getpid());
    std::filesystem::create_directory(folder);
    std::string command =
        STRATA_COMPILE " " STRATA_DEMO_MODEL " -o " + folder + "/demo.strata > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder); }

  /// What strata-score prints.
  static std::string score(const std::string &arguments) {
    std::string command = STRATA_SCORE " " + folder + "/demo.strata -o json " + arguments, text;
    FILE *output = popen(command.c_str(), "r");
    for (std::array<char, 4096> part; size_t got = fread(part.data(), 1, part.size(), output);)
      text.append(part.data(), got);
    EXPECT_EQ(pclose(output), 0) << command;
    return text;
  }

  /// Runs strata-score on the held-out text and compares it with a member of scores.json.
  void expectPerplexity(const std::string &arguments, const char *member) {
    JsonDocument ours = parsed(
        JsonDocument::parse(score("-f " STRATA_DEMO_MODEL "/heldout.txt " + arguments), "output"));
    JsonObject figures = ours.object().value(), wanted = reference.object()->object(member).value();
    double found = figures.number("perplexity").value();
    double expected = wanted.number("perplexity").value();
    std::printf("perplexity: %.6f, transformers' float32: %.6f\n", found, expected);
    EXPECT_NEAR(found / expected, 1, 1e-3);
    EXPECT_EQ(figures.integer("tokens").value(), wanted.integer("tokens").value());
    EXPECT_EQ(figures.integer("text_tokens").value(),
              reference.object()->integer("text_tokens").value());
  }

  static inline std::string folder;
  JsonDocument reference = parsed(JsonDocument::parseFile(STRATA_GOLDEN_SCORES, 1 << 20));
};

TEST_F(Scores, PerplexityInChunks) { expectPerplexity("-c 256 --chunks 64", "chunked"); }

TEST_F(Scores, PerplexityInOverlappingWindows) {
  expectPerplexity("-c 256 --stride 96 --chunks 64", "strided");
}

/// The pair without its score.
std::string lineOf(const JsonObject &pair) {
  JsonWriter json;
  json.beginObject(JsonWriter::Layout::oneLine);
  for (const char *field : {"context", "continuation"})
    json.member(field, pair.string(field).value());
  return json.endObject().take();
}

TEST_F(Scores, Pairs) {
  std::vector<JsonValue> pairs = reference.object()->array("pairs").value();
  std::ofstream file(folder + "/pairs.jsonl");
  for (const JsonValue &pair : pairs)
    file << lineOf(pair.object().value());
  file.close();
  std::istringstream lines(score("--pairs " + folder + "/pairs.jsonl"));
  for (const JsonValue &pair : pairs) {
    JsonObject expected = pair.object().value();
    SCOPED_TRACE(expected.string("continuation").value());
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    JsonDocument ours = parsed(JsonDocument::parse(line, "output"));
    JsonObject found = ours.object().value();
    EXPECT_EQ(found.integer("tokens").value(), expected.integer("tokens").value());
    EXPECT_EQ(found.boolean("greedy").value(), expected.boolean("greedy").value());
    // bf16 against float32: a hundredth of a nat a token.
    EXPECT_NEAR(found.number("logprob").value(), expected.number("logprob").value(),
                0.01 * double(expected.integer("tokens").value()));
  }
}

} // namespace
} // namespace strata
