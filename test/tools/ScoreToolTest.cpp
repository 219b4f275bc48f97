//===- ScoreToolTest.cpp - strata-score as one calls it -------------------===//

#include "runtime/base/Json.h"
#include "test/tools/ToolFixture.h"

namespace strata::test {
namespace {

std::vector<std::string> keysOf(const std::string &json) {
  auto document = JsonDocument::parse(json, "output");
  EXPECT_TRUE(document.ok()) << document.status();
  std::vector<std::string> keys;
  if (document.ok())
    for (const JsonMember &member : document->object()->members())
      keys.emplace_back(member.key);
  return keys;
}

TEST_F(Tool, ScoreWrongCommandLines) {
  expectError("%s", 2, "expected one package, found 0");
  expectError("%s %p", 2, "expected one of -f and --pairs, found 0");
  expectError("%s %p -f a --pairs b", 2, "expected one of -f and --pairs, found 2");
  expectError("%s %p --pairs b --stride 3", 2, "expected --stride and --chunks with -f");
  expectError("%s %p -f a -o xml", 2, "-o: expected text, json or tokens, found \"xml\"");
  expectError("%s %p --pairs b --logits c", 2, "expected --logits with -f, found --pairs");
  expectError("%s %p -f a -c 1", 2, "-c: expected a whole number from 2");
}

TEST_F(Tool, ScoreWrongTexts) {
  expectError("%s %p -f /no/such/file", 1, "/no/such/file: cannot be read: No such file");
  expectError("%s %p -f /dev/null", 1, "/dev/null: expected a text, found no token");
  std::string text = folder.write("text", "In the beginning");
  expectError("%s %p -f " + text, 1,
              "text: expected at least 32 tokens (a window), found 4; a smaller -c needs less");
  expectError("%s %p -f " + text + " -c 3 --stride 4", 1,
              "--stride: expected at most -c, 3, found 4");
  expectError("%s %p -f " + text + " -c 2", 1, "-c: expected at least 3 tokens without --stride");
  expectError("%s %p -f " + text + " -c 3 --device cuda", 1, "found cuda");
}

TEST_F(Tool, ScoresText) {
  std::string text = folder.write("text", "In the beginning of the house");
  Result plain = run("%s %p -c 4 -f " + text);
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_NE(plain.out.find("second halves of chunks of 4 tokens"), std::string::npos) << plain.out;
  EXPECT_NE(plain.out.find("\nperplexity  "), std::string::npos) << plain.out;
  EXPECT_EQ(plain.err, "") << "progress without a terminal";
  Result json = run("%s %p -c 4 -o json --stride 2 --threads 1 -f - <" + text);
  EXPECT_EQ(json.status, 0) << json.err;
  EXPECT_EQ(
      keysOf(json.out),
      (std::vector<std::string>{"file", "method", "context", "stride", "text_tokens", "tokens",
                                "logprob", "logprob_per_token", "perplexity", "perplexity_error"}));
  Result raised = run("%s %p -c 64 -f " STRATA_DEMO_MODEL "/heldout.txt --chunks 2");
  EXPECT_NE(raised.err.find("context 64 is more than the 32 tokens"), std::string::npos);
  EXPECT_NE(raised.out.find("scored      62 tokens"), std::string::npos) << raised.out;
}

TEST_F(Tool, ScoresPairs) {
  std::string pairs = folder.write("pairs", "{\"context\": \"In\", \"continuation\": \" the\"}\n"
                                            "{\"continuation\": \"house\", \"context\": \"\"}\n");
  Result json = run("%s %p -o json --pairs " + pairs);
  EXPECT_EQ(json.status, 0) << json.err;
  ASSERT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 2) << json.out;
  EXPECT_EQ(keysOf(json.out.substr(0, json.out.find('\n'))),
            (std::vector<std::string>{"logprob", "tokens", "greedy", "truncated"}));
  EXPECT_EQ(run("%s %p -o json --pairs - <" + pairs).out, json.out);
  EXPECT_EQ(run("%s %p -o json --threads 1 --pairs " + pairs).out, json.out);
  EXPECT_NE(run("%s %p --pairs " + pairs).out.find(" 1 token   -\n"), std::string::npos);
}

// Longer than what the tokenizer's library is given at once: 4 MiB.
TEST_F(Tool, ScoresLongTexts) {
  const std::string part = contentsOf(STRATA_DEMO_MODEL "/heldout.txt");
  std::string text;
  while (text.size() <= 4 << 20)
    text += part;
  Result result = run("%s %p -c 4 --chunks 1 --threads 1 -f " + folder.write("text", text));
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST_F(Tool, ScoresTokens) {
  std::string text = folder.write("text", "In the beginning of the house");
  Result lines = run("%s %p -c 4 --no-bos -o tokens --threads 1 -f " + text);
  EXPECT_EQ(lines.status, 0) << lines.err;
  std::string first = lines.out.substr(0, lines.out.find('\n'));
  EXPECT_TRUE(first.starts_with("{\"first\": 3, \"ids\": [")) << first;
  EXPECT_EQ(keysOf(first), (std::vector<std::string>{"first", "ids", "logprobs"}));
  EXPECT_EQ(lines.out.substr(lines.out.find("{\"file\"")),
            run("%s %p -c 4 --no-bos -o json --threads 1 -f " + text).out);
  std::string pairs = folder.write("pairs", "{\"context\": \"In\", \"continuation\": \" the\"}\n");
  Result pair = run("%s %p -o tokens --pairs " + pairs);
  EXPECT_EQ(keysOf(pair.out), (std::vector<std::string>{"logprob", "tokens", "greedy", "truncated",
                                                        "ids", "logprobs"}));
  EXPECT_NE(pair.out.find("\"ids\": [264]"), std::string::npos) << pair.out;
}

TEST_F(Tool, ScoreWrongComparisons) {
  expectError("%s %p --pairs a --kl %p", 2, "expected --kl with -f, found --pairs");
  expectError("%s %p -f a --kl %p --logits b", 2, "expected one of --kl and --logits, found 2");
  expectError("%s %p -f a --kl %p -o tokens", 2,
              "-o: expected text or json with --kl, found tokens");
  expectError("%s %p -f a --kl-weights b", 2, "expected --kl-weights with --kl, found none");
  expectError("%s %p -f a --kl /no/such.strata", 1, "/no/such.strata: cannot open: No such file");
  const std::string narrow = writeModelOfFewerTokens();
  expectError("%s %p -f a --kl " + narrow, 1,
              "--kl: " + narrow + ": expected a model of 2048 tokens, found 2047");
  const std::string changed = writeModelOfOtherTokens();
  expectError("%s %p -f a --kl " + changed, 1, "--kl: " + changed + ": tokenizer: token ");
  const std::string none = folder.write("none.strata", fakeModel().encode());
  expectError("%s %p -f a --kl " + none, 1, none + ": section tokenizer: expected one, found none");
}

TEST_F(Tool, ScoreOfAModelBesideItself) {
  const std::string text = folder.write("text", "In the beginning of the house");
  const std::string command = "%s %p -c 4 --threads 1 --kl %p -f " + text;
  const Result plain = run(command);
  EXPECT_EQ(plain.status, 0) << plain.err;
  for (const char *line :
       {"\nscored      1 tokens: second halves of chunks of 4 tokens\n",
        "\nratio       1.000000 +/- 0.000000\n",
        "\nKL          mean 0.000000 +/- 0.000000, 99 % 0.000000, most 0.000000\n",
        "\nsame top    100.000 %\n"})
    EXPECT_NE(plain.out.find(line), std::string::npos) << plain.out;
  const Result json = run(command + " --stride 2 -o json");
  EXPECT_EQ(json.status, 0) << json.err;
  EXPECT_EQ(keysOf(json.out),
            (std::vector<std::string>{"file", "method", "context", "stride", "text_tokens",
                                      "tokens", "perplexity", "perplexity_error", "base_perplexity",
                                      "base_perplexity_error", "perplexity_ratio",
                                      "perplexity_ratio_error", "kl", "kl_error", "kl_99", "kl_max",
                                      "p_difference_rms", "same_top"}));
}

// As NumPy reads it: a header of 128 bytes, then f32, row by row.
TEST_F(Tool, ScoreWritesLogits) {
  std::string text = folder.write("text", "In the beginning of the house");
  std::string logits = folder.path("logits.npy");
  Result plain = run("%s %p -c 4 --stride 2 --no-bos --threads 1 -f " + text);
  Result result =
      run("%s %p -c 4 --stride 2 --no-bos --threads 1 -f " + text + " --logits " + logits);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, plain.out);
  std::string bytes = contentsOf(logits);
  EXPECT_TRUE(bytes.starts_with(std::string("\x93NUMPY\x01\x00\x76\x00", 10)));
  EXPECT_NE(bytes.find("{'descr': '<f4', 'fortran_order': False, 'shape': (7, 2048), }"),
            std::string::npos)
      << bytes.substr(10, 118);
  EXPECT_EQ(bytes.size(), 128 + size_t(7) * 2048 * sizeof(float));
  EXPECT_EQ(run("%s %p -c 4 --threads 1 -f " + text + " --logits /dev/null").status, 0);
}

TEST_F(Tool, LogitsAreWrittenWholeOrNotAtAll) {
  std::string text = folder.write("text", "In the beginning of the house");
  std::string command = "%s %p -c 4 --threads 1 -f " + text + " --logits ";
  expectError(command + text, 1, "expected a file to write, found one that is read");
  EXPECT_EQ(contentsOf(text), "In the beginning of the house");
  expectError(command + package, 1, "expected a file to write, found one that is read");
  expectError(command + "/dev/full", 1, "/dev/full: cannot be written: No space left");
  expectError(command + "/no/such/file", 1, "/no/such/file: cannot be written: No such file");
  expectError("mkdir %p.d; ulimit -f 2048; %s %p --chunks 40 -f %d/heldout.txt --logits %p.d/x.npy",
              1, "x.npy: cannot be written: File too large");
  EXPECT_EQ(run("ls -A %p.d").out, "") << "nothing is left of a file that did not become whole";
}

TEST_F(Tool, ScoreWrongPairs) {
  auto wrong = [&](const std::string &lines) {
    return "%s %p --pairs " + folder.write("pairs", lines);
  };
  std::string good = "{\"context\": \"In\", \"continuation\": \" the\"}\n";
  expectError(wrong(""), 1, "pairs: expected at least 1 line, found none");
  expectError(wrong(good + "{\"context\": 3}\n"), 1, "pairs:2: context: expected a string");
  expectError(wrong(good + "\n" + good + "{"), 1, "pairs:4: ");
  expectError(wrong("{\"context\": \"a\", \"continuation\": \"b\", \"x\": 1}"), 1,
              "pairs:1: expected the fields context and continuation, found x");
  expectError(wrong("{\"context\": \"a\", \"continuation\": \"\"}"), 1,
              "pairs:1: continuation: expected at least 1 token, found none");
  EXPECT_EQ(run(wrong(good + "[]")).out, "") << "nothing is scored before all lines are read";
}

TEST_F(Tool, ScoreOutputThatFailsIsAnError) {
  std::string text = folder.write("text", "In the beginning");
  expectError("%s %p -c 3 -f " + text + " >/dev/full", 1, "standard output");
}

} // namespace
} // namespace strata::test
